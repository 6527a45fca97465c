import type { ListPoint } from '../../../intake/index.ts'
import { isId, SealpostError } from '../../../kernel/index.ts'

/**
 * A place in the list as a word of letters alone: whatever it stands for, it cannot be taken for a card number, which would be refused
 * in a URL. It says nothing that the application was not told, so it needs no signature.
 */
export function writeListCursor({ acceptedAt, id }: ListPoint): string {
  const hex = Buffer.from(`${acceptedAt.getTime()} ${id}`).toString('hex')
  return hex.replace(/[0-9]/g, digit => String.fromCharCode(103 + Number(digit)))
}

/** Throws `invalid_request`. */
export function readListCursor(text: string): ListPoint {
  const hex = text.replace(/[g-p]/g, letter => String(letter.charCodeAt(0) - 103))
  const [, ms = '', id = ''] =
    /^([0-9]{1,15}) (\S+)$/.exec(/^[0-9a-f]+$/.test(hex) ? Buffer.from(hex, 'hex').toString('latin1') : '') ??
    []
  if (ms === '' || !isId('msg', id)) {
    throw new SealpostError('invalid_request', { errors: [{ pointer: '/cursor', code: 'malformed' }] })
  }
  return { acceptedAt: new Date(Number(ms)), id }
}
