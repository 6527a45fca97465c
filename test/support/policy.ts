export { approvePolicy } from './shortcut.ts'
