import { describe, expect, test } from 'vitest'
import { SealpostError } from '../../src/kernel/index.ts'
import { type Logger, openLogger, PostgresError } from '../../src/platform/index.ts'

const pan = '4111111111111111'
const encodings = {
  plain: pan,
  spaced: '4111 1111 1111 1111',
  dashed: '4111-1111-1111-1111',
  base64: Buffer.from(pan).toString('base64'),
  hex: Buffer.from(pan).toString('hex'),
  'quoted-printable': pan.replaceAll(/\d/g, digit => `=3${digit}`),
}

function written(use: (log: Logger) => void): string {
  let text = ''
  use(openLogger({ level: 'debug', destination: { write: (line: string) => (text += line) !== '' } }))
  return text
}

function line(use: (log: Logger) => void): Record<string, unknown> {
  return JSON.parse(written(use)) as Record<string, unknown>
}

describe.each(Object.entries(encodings))('a card number (%s) is in no line', (_, canary) => {
  test.each<[string, (log: Logger) => void]>([
    ['the message of an error', log => log.error('task-failed', new Error(canary))],
    [
      'a message with lines that imitate frames',
      log =>
        log.error('task-failed', new Error(`x\n    at f (/${canary}:1:1)\n    at ${canary} (node:x:1:1)`)),
    ],
    [
      'a message that was changed later',
      log => log.error('task-failed', Object.assign(new Error(canary), { message: 'other' })),
    ],
    [
      'frames of a message that was changed later',
      log =>
        log.error(
          'task-failed',
          Object.assign(new Error(`x\n    at ${canary} (node:fs:1:1)\n    at /${canary}:1:1`), {
            message: 'y',
          }),
        ),
    ],
    [
      'the cause of an error',
      log => log.error('task-failed', new Error('x', { cause: new TypeError(canary) })),
    ],
    [
      'the name and code of an error',
      log => log.error('task-failed', Object.assign(new Error('x'), { name: `N${canary}`, code: canary })),
    ],
    [
      'further fields of an error',
      log =>
        log.error(
          'task-failed',
          Object.assign(new Error('x'), { detail: canary, where: canary, sql: canary }),
        ),
    ],
    ['an error that is no error', log => log.error('task-failed', canary)],
    ['an aggregate', log => log.error('task-failed', new AggregateError([new Error(canary)], canary))],
    [
      'a field that nobody knows',
      log => log.info('task-done', { text: canary, nested: { text: canary } } as never),
    ],
    ['an inherited field', log => log.info('task-done', Object.create({ code: canary }) as never)],
    ['an identifier', log => log.info('task-done', { message: canary })],
    ['an object in the place of a code', log => log.info('task-done', { code: { text: canary } } as never)],
    [
      'a number in the place of a count',
      log => log.info('task-done', { count: canary.length > 20 ? canary : Number(pan) } as never),
    ],
    ['the event', log => log.info(canary as never)],
    ['a format', log => log.info('%s-%o', { reason: 'x', text: canary } as never)],
  ])('in %s', (__, use) => {
    const text = written(use)
    expect(text.endsWith('\n')).toBe(true)
    for (const form of Object.values(encodings)) expect(text).not.toContain(form)
  })
})

test('what is still in a finished line becomes [pan], and the line stays JSON', () => {
  const error = new SealpostError('internal_error', { detail: `saw ${pan}` })
  expect(line(log => log.error('task-failed', error, { host: `mx.${pan}.example` }))).toMatchObject({
    host: 'mx.[pan].example',
    error: { code: 'internal_error', detail: 'saw [pan]' },
  })
})

test('a line says what happened with ids, codes and numbers', () => {
  const fields = {
    message: 'msg_01kahs0000000000000000000z',
    code: 'not_found',
    host: 'mx1.bank.example',
    peer: '255.255.255.251',
    port: 25,
    durationMs: 12.5,
  }
  const made = line(log => log.warn('request-refused', fields))
  expect(made).toMatchObject({ level: 'warn', event: 'request-refused', ...fields })
  expect(made['time']).toMatch(/^\d{4}-\d{2}-\d{2}T/)
})

test('an error of ours brings its detail, one of PostgreSQL its constraint, and both their frames', () => {
  const ours = line(log =>
    log.error('task-failed', new SealpostError('config_invalid', { detail: 'SEALPOST_X is required' })),
  )
  expect(ours['error']).toMatchObject({
    name: 'SealpostError',
    code: 'config_invalid',
    detail: 'SEALPOST_X is required',
  })
  expect((ours['error'] as { frames: string[] }).frames.join()).toContain('logger.test.ts')
  const theirs = line(log =>
    log.error('task-failed', new PostgresError('23505', 'destinations_pkey', 'destinations')),
  )
  expect(theirs['error']).toMatchObject({ name: 'PostgresError', code: '23505', detail: 'destinations_pkey' })
})

test('below its level nothing is written', () => {
  let text = ''
  const log = openLogger({ level: 'warn', destination: { write: (part: string) => (text += part) !== '' } })
  log.debug('task-done')
  log.info('task-done')
  expect(text).toBe('')
})
