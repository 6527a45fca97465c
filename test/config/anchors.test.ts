import { describe, expect, test } from 'vitest'
import { anchorsConfig, anchorsSecrets } from '../../src/config/anchors.ts'
import { readSettings } from '../../src/config/read.ts'

const load = (env: Record<string, string>) => anchorsConfig(readSettings(env))
const key = (name: string) => `${name}+0123abcd+BGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1`

test('without settings nothing is anchored', () => {
  expect(load({})).toEqual({ directory: undefined, witnesses: [], every: 60_000 })
  expect(anchorsSecrets(readSettings({}))).toEqual({ witnessCa: undefined })
})

test('a directory, and any number of witnesses, each by its URL and key', () => {
  const [one, two] = [key('one.test/w'), key('two.test')]
  expect(
    load({
      SEALPOST_ANCHOR_DIRECTORY: '/mnt/worm',
      SEALPOST_ANCHOR_INTERVAL: '30',
      SEALPOST_WITNESSES: `https://one.test:8446 ${one}, https://two.test/log/ ${two}`,
    }),
  ).toEqual({
    directory: '/mnt/worm',
    every: 30_000,
    witnesses: [
      { url: 'https://one.test:8446', verifier: one },
      { url: 'https://two.test/log/', verifier: two },
    ],
  })
})

describe('refused is', () => {
  test.each([
    ['a directory that depends on where one stands', { SEALPOST_ANCHOR_DIRECTORY: 'anchors' }],
    ['an interval of nothing', { SEALPOST_ANCHOR_INTERVAL: '0' }],
    ['a witness without TLS', { SEALPOST_WITNESSES: `http://one.test ${key('one')}` }],
    ['a witness without a key', { SEALPOST_WITNESSES: 'https://one.test' }],
    ['a key that is none', { SEALPOST_WITNESSES: 'https://one.test one' }],
    ['a URL with a password', { SEALPOST_WITNESSES: `https://a:b@one.test ${key('one')}` }],
    ['a URL with a question', { SEALPOST_WITNESSES: `https://one.test/?a ${key('one')}` }],
    ['a URL that means another', { SEALPOST_WITNESSES: `https://ONE.test ${key('one')}` }],
    [
      'one witness for two',
      { SEALPOST_WITNESSES: `https://a.test ${key('one')},https://b.test ${key('one')}` },
    ],
  ])('%s', (_what, env: Record<string, string>) => {
    expect(() => load(env)).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error)
  })
})
