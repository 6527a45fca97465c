export { createApi } from './api.ts'
export { openClients } from './clients.ts'
export { createListener, type Listener, listen } from './listener.ts'
export { createOps } from './ops.ts'
