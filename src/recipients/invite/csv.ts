/** The fields of one line of CSV (RFC 4180), or why it is none. A field never goes on in the next line. */
export function readCsvLine(line: string): readonly string[] | 'malformed' {
  const fields: string[] = []
  let at = 0
  for (;;) {
    const quoted = line[at] === '"'
    const match = quoted ? quotedField.exec(line.slice(at)) : plainField.exec(line.slice(at))
    if (match === null) return 'malformed'
    fields.push(quoted ? match[0].slice(1, -1).replaceAll('""', '"') : match[0])
    at += match[0].length
    if (at === line.length) return fields
    if (line[at] !== ',') return 'malformed'
    at++
  }
}

const quotedField = /^"(?:[^"]|"")*"/
const plainField = /^[^",]*/
