import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const page = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8')

/** The one block of code in that language. */
function snippet(language: string): string {
  const [, block = ''] = page.split(`\n\`\`\`${language}\n`)
  return block.slice(0, block.indexOf('\n```'))
}

export interface Case {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly secrets: readonly string[]
}

const python = `${snippet('python')}
import sys
def said(case):
    try:
        return verify(case["secrets"], case["headers"], case["body"].encode())
    except ValueError as error:
        return str(error)
print(json.dumps([said(case) for case in json.load(sys.stdin)]))`

const node = `${snippet('js').replace('export ', '')}
import { json } from 'node:stream/consumers'
const said = ({ secrets, headers, body }) => {
  try {
    return verify(secrets, headers, body)
  } catch (error) {
    return error.message
  }
}
console.log(JSON.stringify((await json(process.stdin)).map(said)))`

/** What a receiver makes of calls, and these secrets, that consists of what docs/webhooks.md shows for Node. */
export function saysNode(cases: readonly Case[]): unknown {
  return answerOf(process.execPath, ['--input-type=module', '-e', node], cases)
}

/** Likewise for Python. */
export function saysPython(cases: readonly Case[]): unknown {
  return answerOf('python3', ['-c', python], cases)
}

function answerOf(program: string, args: readonly string[], cases: readonly Case[]): unknown {
  const { stdout, stderr } = spawnSync(program, args, { input: JSON.stringify(cases), encoding: 'utf8' })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}
