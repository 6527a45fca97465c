import { readdirSync, readFileSync } from 'node:fs'

export interface PeakMemory {
  /** Of the gateway's own process, in MiB. */
  readonly gateway: number
  /** Of each of its sealers now alive, in MiB. */
  readonly sealers: readonly number[]
}

/** Peak resident memory since the start of each process (VmHWM). */
export function peakMemory(pid: number): PeakMemory {
  const sealers = readdirSync('/proc')
    .filter(name => /^[0-9]+$/.test(name))
    .filter(name => status(name, 'PPid') === pid)
    .map(name => Math.round((status(name, 'VmHWM') ?? 0) / 1024))
  return { gateway: Math.round((status(String(pid), 'VmHWM') ?? 0) / 1024), sealers }
}

function status(pid: string, field: string): number | undefined {
  try {
    const match = new RegExp(`^${field}:\\s+([0-9]+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return match === null ? undefined : Number(match[1])
  } catch {
    return undefined // It has ended meanwhile.
  }
}
