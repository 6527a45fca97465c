import { SealpostError } from '../kernel/index.ts'

/** Parses the number of a file descriptor. Throws `usage`. */
export function parseDescriptor(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text))
    throw new SealpostError('usage', { detail: 'a file descriptor is a number' })
  return Number(text)
}
