import { isAddress } from '../../../kernel/index.ts'

/** Whether a name can be that of a mail server: a host name, and no address in whatever notation. */
export function isHostName(name: string): boolean {
  return isAddress(`a@${name}`)
}
