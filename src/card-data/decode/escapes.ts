/** `\u0034` of JSON and programs, `%34` of URLs. Latin-1 in and out; other escapes stay. */
export function decodeEscapes(text: string): string {
  return text.replace(
    /\\u(?:([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]{1,6})\})|\\x([0-9A-Fa-f]{2})|%([0-9A-Fa-f]{2})|\\([nrt/])/g,
    (whole, u, braced, x, p, short) => {
      if (short !== undefined) return short === '/' ? '/' : ' '
      const code = Number.parseInt(String(u ?? braced ?? x ?? p), 16)
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return whole
      // Of a URL each escape is a byte; of a program a character.
      return p === undefined
        ? Buffer.from(String.fromCodePoint(code), 'utf8').toString('latin1')
        : String.fromCharCode(code)
    },
  )
}
