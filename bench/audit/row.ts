export function row(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(44)} ${value}\n`)
}

export function judged(holds: boolean, promise: string): string {
  return holds ? promise : `NOT ${promise}`
}
