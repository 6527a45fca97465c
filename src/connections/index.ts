/** Every connection and listener of this installation, how each is protected, and the exceptions to that. */
export { announceTunnel } from './announce.ts'
