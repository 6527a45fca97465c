import type { DatabaseConfig, TunnelException } from '../../config/index.ts'
import { SealpostError } from '../../kernel/index.ts'

const day = 86_400_000
const longest = 180

/**
 * The exception under which PostgreSQL may speak TLS 1.2, if there is one. Throws `exception_expired` once its day has
 * come, `config_invalid` when it is to last longer than an exception should.
 */
export function tunnelInForce(config: DatabaseConfig, now: Date): TunnelException | undefined {
  const tunnel = config.kind === 'tls' ? config.tunnel : undefined
  if (tunnel === undefined) return undefined
  if (tunnel.until <= now) {
    throw new SealpostError('exception_expired', {
      detail: 'SEALPOST_DATABASE_TUNNEL_UNTIL, SEALPOST_DATABASE_TUNNEL_REASON',
    })
  }
  if (tunnel.until.getTime() > now.getTime() + longest * day) {
    throw new SealpostError('config_invalid', {
      detail: `SEALPOST_DATABASE_TUNNEL_UNTIL must be at most ${longest} days ahead`,
    })
  }
  return tunnel
}
