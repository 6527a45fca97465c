import { readFileSync } from 'node:fs'
import { get } from 'node:https'

/**
 * Whether the gateway in this container is ready: exit 0 or 1. The server must present exactly the certificate that
 * we find in its own file, so no CA and no name are needed.
 */
const certificate = readFileSync(process.env['SEALPOST_TLS_CERT_FILE'] ?? '', 'utf8')
const address = process.env['SEALPOST_OPS_LISTEN'] ?? '127.0.0.1:9443'

const request = get(
  `https://${address}/readyz`,
  {
    ca: certificate,
    allowPartialTrustChain: true,
    checkServerIdentity: () => undefined,
    minVersion: 'TLSv1.3',
    timeout: 4_000,
  },
  response => {
    process.exitCode = response.statusCode === 200 ? 0 : 1
    response.destroy()
  },
)
request.on('timeout', () => request.destroy(new Error('timeout')))
request.on('error', () => {
  process.exitCode = 1
})
