import type { X509Certificate } from 'node:crypto'
import type { Config, Secrets } from '../../config/index.ts'
import type { Clock } from '../../kernel/index.ts'
import {
  type ClientTrust,
  judgeClientIdentity,
  judgeIdentity,
  readTrust,
  type ServerIdentity,
} from '../../platform/tls/index.ts'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'

const day = 86_400_000

/** Our certificates, the CAs that we trust, and their lists. */
export function tlsChecks(config: Config, secrets: Secrets, clock: Clock): readonly Check[] {
  const rules = () => ({ now: clock.now(), foreign: config.foreignCertificates })
  const publicly = config.exposure === 'external'
  const identity = (name: string, shown: ServerIdentity, origin: string | undefined): Check => ({
    name,
    async run() {
      const { own } = await judgeIdentity(shown, { ...rules(), publicly })
      return judgeOwn(own, origin, clock.now())
    },
  })
  const trust = (name: string, ca: string, crl: string | undefined, without: Verdict): Check => ({
    name,
    run: async () => judgeTrust(await readTrust(ca, crl, rules()), clock.now(), without),
  })
  const { database } = secrets
  return [
    identity('certificate', secrets, config.consoleUrl),
    identity('public-certificate', secrets.publicIdentity, config.notices.publicUrl),
    trust(
      'client-ca',
      secrets.clientCa,
      secrets.clientCrl,
      warn(
        'no list of revoked client certificates',
        'Set SEALPOST_CLIENT_CRL_FILE if the CA makes lists; until then `app revoke` is the way to lock a client out.',
      ),
    ),
    ...(database.kind === 'tls'
      ? [
          trust(
            'database-ca',
            database.ca,
            database.crl,
            ok('a CA for PostgreSQL alone; no list of revoked certificates'),
          ),
        ]
      : []),
    ...(database.kind === 'tls' && database.clientCertificate !== undefined
      ? [
          {
            name: 'database-certificate',
            run() {
              const { clientCertificate: certificate = '', clientKey: key = '' } = database
              const { validToDate } = judgeClientIdentity({ certificate, key }, rules())
              return ending('our certificate for PostgreSQL', validToDate, clock.now())
            },
          },
        ]
      : []),
  ]
}

/** @param origin the URL that people reach it by, whose host it must name */
function judgeOwn(own: X509Certificate, origin: string | undefined, now: Date): Verdict {
  const host = origin === undefined ? undefined : new URL(origin).hostname
  const rules = { subject: 'never', partialWildcards: false } as const
  if (host !== undefined && own.checkHost(host, rules) === undefined) {
    return fail(
      `the certificate does not name ${host}`,
      'Get a certificate with this name, or correct the URL.',
    )
  }
  return ending('the certificate', own.validToDate, now)
}

function judgeTrust({ authorities, lists }: ClientTrust, now: Date, without: Verdict): Verdict {
  const ends = Math.min(...authorities.map(({ validToDate }) => validToDate.getTime()))
  const ca = ending('the CA', new Date(ends), now)
  if (ca.verdict !== 'ok' || lists === undefined) return ca.verdict === 'ok' ? without : ca
  const next = new Date(Math.min(...lists.map(({ nextUpdate }) => nextUpdate.getTime())))
  const revoked = lists.reduce((sum, { serials }) => sum + serials.size, 0)
  const found = `${revoked} certificates revoked; the lists hold until ${next.toISOString()}`
  return next.getTime() - now.getTime() < day / 2
    ? warn(found, 'See that the CA brings the next list in time: after that nobody is let in.')
    : ok(found)
}

function ending(what: string, at: Date, now: Date): Verdict {
  const days = Math.floor((at.getTime() - now.getTime()) / day)
  const found = `${what} holds until ${at.toISOString().slice(0, 10)}, ${days} days`
  return days < 30 ? warn(found, 'Renew it; a running gateway takes the new files by itself.') : ok(found)
}
