const alphabet = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** z-base-32 as WKD uses it: five bits a character, of octets whose bits divide by five (RFC 6189 section 5.1.6). */
export function zBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, octet => octet.toString(2).padStart(8, '0')).join('')
  return bits.replace(/.{5}/g, five => alphabet.charAt(Number.parseInt(five, 2)))
}
