import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { assertSafeEnvironment } from '../../src/platform/index.ts'

const none = (): string => '0'

const needed = '--disable-sigusr1'

function refusal(env: NodeJS.ProcessEnv, execArgv: readonly string[], core = none): unknown {
  try {
    assertSafeEnvironment(env, [...execArgv, needed], core)
  } catch (error) {
    return error
  }
  return undefined
}

test('an ordinary environment is safe', () => {
  expect(refusal({ PATH: '/bin', NODE_TLS_REJECT_UNAUTHORIZED: '1' }, [])).toBeUndefined()
})

test.each([
  ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
  ['SSLKEYLOGFILE', '/tmp/keys'],
  ['NODE_EXTRA_CA_CERTS', '/tmp/ca.pem'],
  ['NODE_OPTIONS', '--require=/tmp/x.js'],
  ['SSL_CERT_FILE', '/tmp/ca.pem'],
  ['NODE_DEBUG', 'tls'],
  ['LD_PRELOAD', '/tmp/x.so'],
  ['LD_LIBRARY_PATH', '/tmp'],
  ['NODE_PATH', '/tmp'],
  ['NODE_USE_ENV_PROXY', '1'],
  ['OPENSSL_MODULES', '/tmp'],
])('%s is refused by name, its value unsaid', (name, value) => {
  expect(refusal({ [name]: value }, [])).toMatchObject({
    code: 'unsafe_environment',
    details: { detail: name },
  })
})

test.each([
  '--tls-keylog=/tmp/keys',
  '--inspect',
  '--inspect-brk=0.0.0.0:9229',
  '--inspect_port=1',
  '--tls-min-v1.0',
  '--tls-cipher-list=ALL',
  '--use-openssl-ca',
  '--heapsnapshot-signal=SIGUSR2',
  '--report-on-signal',
  '--abort-on-uncaught-exception',
  '--insecure-http-parser',
  '--require=/tmp/x.js',
  '--import=/tmp/x.mjs',
  '-r',
  '--security-revert=CVE-2023-46809',
  '--use-env-proxy',
])('%s is refused', flag => {
  expect(refusal({}, [flag])).toMatchObject({ code: 'unsafe_environment' })
})

test('a process whose inspector a signal could open is refused', () => {
  expect(() => assertSafeEnvironment({}, [], none)).toThrow(
    expect.objectContaining({ details: { detail: '--disable-sigusr1 is not set' } }),
  )
})

test.each(['unlimited', '1024', 'unknown'])('a limit for core files of %s is refused', limit => {
  expect(refusal({}, [], () => limit)).toMatchObject({ code: 'unsafe_environment' })
})

test.each([
  ['0', 0],
  ['1', 1],
])('the real limit of this process is read: ulimit -c %s', (limit, status) => {
  const module = join(import.meta.dirname, '../../src/platform/tls/environment.ts')
  const script = `import('${module}').then(m => m.assertSafeEnvironment({}, ['${needed}'])).catch(() => process.exit(1))`
  const run = spawnSync('/bin/sh', ['-c', `ulimit -c ${limit}; exec "$0" -e "$1"`, process.execPath, script])
  expect(run.status).toBe(status)
})
