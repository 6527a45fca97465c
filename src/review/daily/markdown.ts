/** A table, or that there is nothing to put into one. Cells are made inert by whoever fills them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'None.'
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export function bullets(lines: readonly string[]): string {
  return lines.map(line => `- ${line}`).join('\n')
}

/** `2027-05-03 14:05`, from ISO 8601 in UTC. */
export function moment(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ')
}

/** In groups of three digits. */
export function number(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
