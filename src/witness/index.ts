/** A witness of logs (C2SP tlog-witness), to run where whoever runs the gateway cannot reach. It needs no database and no gateway. */
export { serveWitness, type WitnessServer } from './server.ts'
export { type Answer, openWitness, type Witness, type WitnessOptions } from './witness.ts'
