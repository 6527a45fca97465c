import type { Exposure } from './report.ts'

/** The report as one JSON document, piece by piece: `rows` is an array of what {@link Exposure} gives. */
export async function* exposureJson({ rows, ...head }: Exposure): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"rows":[`
  let between = '\n'
  for await (const row of rows) {
    yield between + JSON.stringify(row)
    between = ',\n'
  }
  yield '\n]}\n'
}
