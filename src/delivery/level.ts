import { type TlsLevel, tlsLevels } from '../audit/index.ts'

/** Whether a server that is authenticated at `level` is good enough where `floor` is the least that will do. */
export function reaches(level: TlsLevel, floor: TlsLevel): boolean {
  return tlsLevels.indexOf(level) <= tlsLevels.indexOf(floor)
}
