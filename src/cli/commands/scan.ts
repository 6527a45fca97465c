import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { Command } from 'commander'
import { mask, scan } from '../../card-data/index.ts'
import { inert, print, printJson } from '../output.ts'

/**
 * `scan`: card data in a file, by place and masked; what applications' messages are looked through with. Exit code 0: there are no card
 * numbers, 2: there are, or sensitive authentication data, or a part could not be read; 1: the file cannot be read.
 */
export function scanCommand(): Command {
  return new Command('scan')
    .description('look for card numbers and sensitive authentication data in a file, as in a message')
    .argument('<file>', 'a file of any kind, or - for standard input')
    .option('--json', 'answer as JSON')
    .action(async (file: string, { json }: { json?: true }) => {
      const bytes = await (file === '-' ? buffer(process.stdin) : readFile(file)).catch((error: unknown) => {
        process.stderr.write(`cannot read ${inert(file)}: ${codeOf(error)}\n`)
      })
      if (bytes === undefined) {
        process.exitCode = 1
        return
      }
      const masks: string[] = []
      const { pans, sad, unread } = scan(bytes, undefined, (reading, pan) => masks.push(mask(reading, pan)))
      const found = pans.map(({ brand, offset, view }, i) => ({
        brand,
        masked: masks[i] ?? '',
        offset,
        view,
      }))
      if (json) printJson({ pans: found, sad, unread })
      else {
        for (const { brand, masked, offset, view } of found) print(place(`${masked}  ${brand}`, offset, view))
        for (const { kind, offset, view } of sad) print(place(kind, offset, view))
        if (unread > 0) print(`${unread} parts could not be read`)
      }
      if (found.length + sad.length + unread > 0) process.exitCode = 2
    })
}

function place(what: string, offset: number, view: string): string {
  return `${what}  at byte ${offset}${view === '' ? '' : ` of ${view}`}`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
