import { ESLint } from 'eslint'
import { describe, expect, test } from 'vitest'

const eslint = new ESLint({
  cwd: process.cwd(),
  // The text is not on disk, so the rules that ask for types cannot run; the guarantees need only syntax.
  overrideConfig: { files: ['**/*.ts'], languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => ruleId.startsWith('house/'),
})

const lint = async (text: string, filePath: string): Promise<(string | null)[]> =>
  (await eslint.lintText(text, { filePath })).flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId))

describe('a guarantee is refused where it would break, and not where it is kept', () => {
  test.each([
    ['house/sql-in-store', "knex.raw('SELECT 1')", 'src/intake/submit.ts', 'src/intake/store.ts'],
    ['house/tables-in-store', "knex('messages')", 'src/gateway/start.ts', 'src/custody/store.ts'],
    ['house/time-from-clock', 'new Date()', 'src/delivery/retry.ts', 'src/kernel/clock.ts'],
    ['house/durations-from-performance', 'Date.now()', 'src/http/api/index.ts', 'src/kernel/clock.ts'],
    ['house/no-math-random', 'Math.random()', 'src/delivery/retry.ts', undefined],
    ['house/settings-from-config', 'process.env', 'src/gateway/start.ts', 'src/cli/main.ts'],
    ['house/no-process-exit', 'process.exit(1)', 'src/http/api/index.ts', 'src/sealer/inside/main.ts'],
    ['house/json-in-sealer', 'JSON.parse(text)', 'src/http/api/index.ts', 'src/policy/index.ts'],
    ['house/json-in-sealer', 'JSON.parse(text)', 'src/sealer/host/pool.ts', undefined],
    [
      'house/plaintext-stays-shut',
      "import { reveal } from 'x'",
      'src/http/api/body.ts',
      'src/sealer/host/pool.ts',
    ],
    ['house/ciphertext-from-gate', 'x as Ciphertext', 'src/delivery/store.ts', 'src/sealer/host/gate.ts'],
    ['house/address-is-asked', 'x as Address', 'src/intake/submit.ts', 'src/kernel/address.ts'],
    [
      'house/tls-verifies',
      '({ rejectUnauthorized: false })',
      'src/platform/https.ts',
      'src/http/listener.ts',
    ],
    ['house/tls-verifies', '({ rejectUnauthorized: maybe })', 'src/delivery/smtp.ts', undefined],
    [
      'house/plain-http-for-signed',
      "import { request } from 'node:http'",
      'src/platform/https/exchange.ts',
      'src/platform/revocation/fetch.ts',
    ],
    ['house/named-exports', 'export default 1', 'src/keys/index.ts', undefined],
  ])('%s: %s', async (rule, text, refused, allowed) => {
    expect(await lint(text, refused)).toContain(rule)
    if (allowed !== undefined) expect(await lint(text, allowed)).not.toContain(rule)
  })

  test('what is harmless passes', async () => {
    expect(
      await lint('({ rejectUnauthorized: true }); new Date(0); clock.now()', 'src/http/api/index.ts'),
    ).toEqual([])
  })
})
