import { readFileSync } from 'node:fs'
import { SealpostError } from '../../kernel/index.ts'

/** Each of these changes what is trusted, exports session keys, or loads code, from outside the configuration. */
const refusedVariables = [
  'SSLKEYLOGFILE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
  'NODE_V8_COVERAGE',
  'NODE_PATH',
  'NODE_COMPILE_CACHE',
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_REDIRECT_WARNINGS',
  'NODE_USE_ENV_PROXY',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'DEBUG',
  'LD_PRELOAD',
  'LD_AUDIT',
  'LD_LIBRARY_PATH',
]

const refusedFlags =
  /^--(?:tls-keylog|require|import|loader|experimental-loader|env-file|experimental-config-file|experimental-default-config-file|use-env-proxy|security-revert|redirect-warnings|trace-event|prof|experimental-network-inspection|inspect|debug|openssl-config|openssl-legacy|openssl-shared|use-openssl-ca|use-system-ca|tls-min-v1\.[01]|tls-max|tls-cipher-list|heapsnapshot|heap-prof|cpu-prof|report-|experimental-report|diagnostic-dir|trace-tls|abort-on-uncaught|insecure-http-parser)/

/**
 * Throws `unsafe_environment`, naming the first setting in the detail, when variables, flags of Node or the limit for
 * core files could weaken TLS or let memory out. `coreLimit` reads the limit; given by tests.
 */
export function assertSafeEnvironment(
  env: NodeJS.ProcessEnv,
  execArgv: readonly string[],
  coreLimit: () => string = softCoreLimit,
): void {
  const refuse = (detail: string): never => {
    throw new SealpostError('unsafe_environment', { detail })
  }
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') refuse('NODE_TLS_REJECT_UNAUTHORIZED')
  const variable = refusedVariables.find(name => env[name] !== undefined && env[name] !== '')
  if (variable !== undefined) refuse(variable)
  const flag = execArgv
    .map(argument => argument.replaceAll('_', '-'))
    .find(argument => refusedFlags.test(argument))
  if (flag !== undefined) refuse(flag.split('=', 1)[0] ?? flag)
  if (execArgv.some(argument => /^-(?:r|C)$/.test(argument))) refuse('-r or -C')
  // Without it, SIGUSR1 opens the inspector, and with it every secret of the process.
  if (!execArgv.includes('--disable-sigusr1')) refuse('--disable-sigusr1 is not set')
  if (coreLimit() !== '0') refuse('the limit for core files is not 0 (ulimit -c 0)')
}

/** `0`, another number of bytes, `unlimited` or `unknown`. */
export function softCoreLimit(): string {
  return /^Max core file size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 'unknown'
}
