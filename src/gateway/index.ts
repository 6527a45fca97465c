export { type Gateway, startGateway } from './start.ts'
