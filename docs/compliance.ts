/** What a requirement wants, what is so today, and the tests that fail when it is not. docs/compliance.md is made of it. */
export interface Requirement {
  readonly row: string
  readonly wants: string
  /** `partly`: what is missing stands in `missing`. */
  readonly state: 'yes' | 'partly' | 'not yet'
  readonly behaviour: string
  readonly tests: readonly NamedTest[]
  /** Where somebody who asks finds it in a running installation. */
  readonly evidence: string
  readonly missing?: string
}

export interface NamedTest {
  readonly path: string
  /** As it stands in the file. */
  readonly title: string
}

const test = (path: string, title: string): NamedTest => ({ path: `test/${path}`, title })

/** OWASP ASVS 4.0 "V9 Communication", in brackets the number in 5.0.0. */
export const secureCommunication: readonly Requirement[] = [
  {
    row: '9.1.1 [12.2.1]',
    wants: 'HTTPS only, no port-80 listener, no redirect, HSTS',
    state: 'yes',
    behaviour:
      'Four listeners, each TLS from the first byte; whatever is said in clear gets no HTTP. HSTS for two years.',
    tests: [
      test('security/no-plaintext-port.test.ts', '%s in clear gets no redirect and no word of HTTP'),
      test('security/no-plaintext-port.test.ts', 'and it opens no other'),
      test('security/browser-attacks.test.ts', 'every answer'),
    ],
    evidence: '`sealpost inventory`: listeners',
  },
  {
    row: '9.1.4 [12.2.2]',
    wants: '`exposure=external`: the server chain must validate to public roots at start',
    state: 'yes',
    behaviour:
      'With `SEALPOST_EXPOSURE=external` the gateway does not start, nor reload, with a chain that the Mozilla roots do not know.',
    tests: [
      test(
        'platform/own-tls.test.ts',
        'exposure external: a chain that public CAs do not know is refused, one that they do is taken',
      ),
      test('platform/own-tls.test.ts', 'exposure external: a self-signed certificate is refused'),
      test(
        'cli/serve-tls.test.ts',
        'exposure external with a certificate of a private CA: refused with the reason, and audited',
      ),
    ],
    evidence: 'the refusal at start; `sealpost doctor`',
  },
  {
    row: '9.2.2 [12.3.1]',
    wants:
      'every connection (API, console, metrics, DB, SMTP, OIDC, KMS, Vault, syslog, WKD, MTA-STS, webhooks) is made by a TLS-only constructor; `sealpost inventory` lists them all. Documented exceptions: OCSP/CRL fetch (signed), DNS to a loopback validating resolver',
    state: 'partly',
    behaviour:
      'What connects today (API, console, health, PostgreSQL, SMTP, WKD, VKS, MTA-STS, syslog, witnesses, webhooks) speaks TLS or nothing; at a server in clear it fails and has said nothing. The exceptions: [tls.md](tls.md).',
    tests: [
      test(
        'platform/postgres-tls.test.ts',
        'tls-stripped: a server without TLS gets the request for TLS and not a byte more',
      ),
      test(
        'delivery/hostile-matrix.test.ts',
        'nothing is said in clear, and nothing to a server that did not prove itself, when',
      ),
      test('security/downgrade.test.ts', 'a server that %s: refused, and not a byte for it'),
      test(
        'security/downgrade.test.ts',
        'lists and responses of CAs may come in clear: the one documented exception, without credentials',
      ),
      test('delivery/route/sts-fetch.test.ts', 'a policy host gets no say that'),
      test('platform/syslog/connection.test.ts', 'a server that does not prove itself hears nothing'),
      test('webhooks/calls.test.ts', 'nothing is sent to'),
      test('security/no-plaintext-port.test.ts', 'there is a TLS server'),
      test('architecture/guarantees.test.ts', 'house/plain-http-for-signed'),
      test(
        'cli/doctor.test.ts',
        'the inventory lists every listener and connection with its CA, floor and ends',
      ),
    ],
    evidence: '`sealpost inventory --json`',
    missing: 'There are no metrics, OIDC, KMS and Vault yet, so nothing connects for them.',
  },
  {
    row: '9.2.6 [12.3.2]',
    wants:
      'every client validates chain, name, time; refuses to start when validation is switched off by environment',
    state: 'yes',
    behaviour:
      'Wrong CA, wrong name and expired each fail, for PostgreSQL, SMTP and HTTPS. `NODE_TLS_REJECT_UNAUTHORIZED=0` and its kin stop the start.',
    tests: [
      test('platform/postgres-tls.test.ts', 'a certificate of another CA is refused'),
      test('platform/postgres-tls.test.ts', 'a certificate for another host name is refused'),
      test('platform/postgres-tls.test.ts', 'an expired certificate is refused'),
      test('delivery/unauthenticated-server.test.ts', 'over %s nothing is said to a server that'),
      test('platform/guarded-fetch.test.ts', 'a server that does not prove itself gets no request:'),
      test(
        'platform/revocation/fetch.test.ts',
        'over https the server must prove its name: an unknown root gets no request',
      ),
      test('platform/environment.test.ts', '%s is refused by name, its value unsaid'),
      test('platform/environment.test.ts', '%s is refused'),
    ],
    evidence: 'outcomes of attempts ([outcomes.md](outcomes.md)); the refusal at start',
  },
  {
    row: '9.3.1 [12.3.3]',
    wants: 'health and metrics are TLS too',
    state: 'partly',
    behaviour: 'Health is served over TLS, at a listener that is on loopback by default.',
    tests: [
      test('security/no-plaintext-port.test.ts', 'there is a TLS server'),
      test('security/no-plaintext-port.test.ts', '%s in clear gets no redirect and no word of HTTP'),
      test('deploy/healthcheck.test.ts', 'asks /readyz'),
    ],
    evidence: '`sealpost inventory`: `listener-ops`',
    missing: 'There are no metrics yet.',
  },
  {
    row: '9.3.2 [12.3.4]',
    wants:
      'each internal connection trusts only its configured CA (replaces system roots), optional SPKI pins',
    state: 'yes',
    behaviour:
      'PostgreSQL is trusted by `SEALPOST_DATABASE_CA_FILE` alone, clients by `SEALPOST_CLIENT_CA_FILE` alone, a pinned mail server by its pins alone. PostgreSQL can be pinned by its key beside the CA (`SEALPOST_DATABASE_SPKI_PINS`).',
    tests: [
      test('platform/postgres-tls.test.ts', 'a certificate of another CA is refused'),
      test(
        'platform/postgres-tls.test.ts',
        'a key that is not pinned is refused, though the CA vouches for it',
      ),
      test('security/client-identity.test.ts', 'a certificate of another CA: cut off, and audited'),
      test('security/client-revoked.test.ts', 'a CA that is taken out takes its clients with it'),
      test('interop/postfix.test.ts', 'a Postfix whose certificate is of another CA hears no MAIL FROM'),
    ],
    evidence: '`sealpost inventory`: the CA of each connection',
  },
  {
    row: '9.3.3 [12.3.5]',
    wants:
      'mTLS application→gateway and gateway→PostgreSQL (`hostssl … clientcert`, TLS 1.3, CRL), SCRAM or cert',
    state: 'yes',
    behaviour:
      'Applications need a client certificate. PostgreSQL is spoken to over TLS 1.3, with a list of revoked certificates when one is given, by SCRAM or by client certificate.',
    tests: [
      test('security/client-identity.test.ts', 'no client certificate: cut off before HTTP, and audited'),
      test(
        'security/client-revoked.test.ts',
        'a revoked client is cut off without a restart, and nobody else',
      ),
      test('platform/postgres-tls.test.ts', 'a client certificate takes the place of the password'),
      test('platform/postgres-tls.test.ts', 'a server that offers TLS 1.2 at most is refused'),
      test(
        'platform/postgres-tls.test.ts',
        'a server that the CA has revoked is refused, and so is one on whom no fresh list speaks',
      ),
      test('deploy/postgres.test.ts', 'nobody enters %s'),
    ],
    evidence: 'event `client.refused`; `sealpost inventory`',
  },
  {
    row: '9.4.1 [12.1.2]',
    wants: 'forward-secret suites only, strongest first',
    state: 'yes',
    behaviour: 'TLS 1.3 suites and ECDHE with an AEAD, at listeners and as a client; our order counts.',
    tests: [
      test('platform/tls-profile.test.ts', 'a client that knows only %s is refused'),
      test('security/client-identity.test.ts', 'a suite without forward secrecy'),
      test('delivery/hostile/matrix.ts', 'the server has no suite with forward secrecy'),
      test('interop/testssl.test.ts', 'testssl.sh finds nothing above "low" at the listeners'),
    ],
    evidence: '`sealpost inventory`: profile; the suite in the evidence of each attempt',
  },
  {
    row: '9.4.2 [12.1.1]',
    wants: 'TLS 1.2 and 1.3, 1.3 when shared',
    state: 'yes',
    behaviour: 'Nothing older, and no setting lowers it; a crypto policy can raise it to 1.3.',
    tests: [
      test(
        'platform/tls-profile.test.ts',
        'our client and our listener agree on TLS 1.3 and a hybrid post-quantum group',
      ),
      test('platform/tls-profile.test.ts', 'a client that knows only %s is refused'),
      test('delivery/hostile/matrix.ts', 'the server speaks TLS 1.1 at most'),
      test('interop/receivers.test.ts', 'that speaks TLS %s only receives what gpg decrypts'),
    ],
    evidence: 'the version in the evidence of each attempt',
  },
  {
    row: '9.4.3 [12.1.4]',
    wants:
      'CRLs for client and internal certificates with hot reload; OCSP stapling on our server when its CA runs OCSP; revocation check of SMTP peers, stale data means defer',
    state: 'yes',
    behaviour:
      'Lists for applications and PostgreSQL, taken anew on SIGHUP and when the file changes. Our listeners staple. Mail servers are looked up by staple, list and responder; `revoked` and stale data always end the attempt.',
    tests: [
      test(
        'security/client-revoked.test.ts',
        'a revoked client is cut off without a restart, and nobody else',
      ),
      test(
        'security/client-revoked.test.ts',
        'a list that ends while it is in use lets nobody in, and the gateway is not ready',
      ),
      test('http/ocsp-stapling.test.ts', 'a certificate that names a responder is shown with its response'),
      test('platform/revocation/ocsp.test.ts', '%s is stale, and no list is asked instead'),
      test('platform/revocation/lists.test.ts', 'nothing is concluded from a list'),
      test('interop/openssl-revocation.test.ts', 'lists what it revoked'),
      test(
        'security/revoked-mail-server.test.ts',
        'a gateway sends nothing to a server whose certificate its CA has revoked',
      ),
      test('delivery/hostile/matrix.ts', 'the certificate was revoked'),
      test('delivery/policy-floor.test.ts', 'stale data on revocation is waited for, whatever the policy'),
    ],
    evidence: '`revocation` in the evidence of each attempt; events `tls.reloaded`, `tls.reload.refused`',
  },
  {
    row: '9.4.4 [12.1.5]',
    wants:
      'Node has no ECH: reported as unsupported; a documented fronting terminator with ECH that re-encrypts by mTLS; feature probe',
    state: 'partly',
    behaviour:
      'A probe looks for it in Node; inventory and `doctor` report `unsupported`. A recipe puts nginx in front, which re-encrypts by mutual TLS ([deployment.md](deployment.md#encrypted-client-hello)).',
    tests: [
      test('platform/own-tls.test.ts', 'Node has no Encrypted Client Hello'),
      test(
        'cli/doctor.test.ts',
        'the inventory lists every listener and connection with its CA, floor and ends',
      ),
    ],
    evidence: '`sealpost inventory`: `encryptedClientHello`',
    missing:
      'The recipe was tested but for ECH itself, which needs an nginx and an OpenSSL that were not at hand.',
  },
  {
    row: '9.4.5 [12.1.3]',
    wants: 'identity is read only after chain, EKU, CRL and SAN allow-list; never from a header',
    state: 'yes',
    behaviour: 'Refused before a byte of HTTP is parsed, and audited with the reason.',
    tests: [
      test('security/client-identity.test.ts', 'a server certificate used as client: cut off, and audited'),
      test(
        'security/client-identity.test.ts',
        'a certificate whose name nobody registered is refused, and audited',
      ),
      test('security/client-identity.test.ts', 'a forged identity header changes nothing'),
      test(
        'security/client-revoked.test.ts',
        'verdict-of-then-resumed: in %s no session comes back, each connection is judged anew',
      ),
    ],
    evidence: 'events `client.refused`, `request.refused`',
  },
  {
    row: 'V9 introduction',
    wants: 'certificates per environment; TLS configuration reviewed on schedule (12.3.3 in PCI)',
    state: 'yes',
    behaviour:
      'Certificates of other environments, named by fingerprint, are neither used, trusted nor accepted. A crypto policy has a day by which it is looked at again, in a year at most.',
    tests: [
      test('platform/postgres-tls.test.ts', 'a certificate of another environment is refused'),
      test(
        'security/client-revoked.test.ts',
        "another environment's client is refused, though our CA made its certificate",
      ),
      test('policy/policy.test.ts', '%s has a day by which it is looked at again, in a year at most'),
    ],
    evidence: '`SEALPOST_FOREIGN_CERTIFICATES`; `reviewBy` in `sealpost inventory --json`',
  },
]

/** The PCI question and answer on TLS. */
export const questionOnTls: readonly Requirement[] = [
  {
    row: 'TLS 1.1 or better, 1.2 strongly advised, no fallback',
    wants: 'floor 1.2, 1.3 preferred, no setting lowers it',
    state: 'yes',
    behaviour: 'As 9.4.2. A mail server that does not do is tried again later, never in another way.',
    tests: [
      test('platform/tls-profile.test.ts', 'a client that knows only %s is refused'),
      test('platform/environment.test.ts', '%s is refused'),
      test('delivery/hostile/matrix.ts', 'STARTTLS is refused for good'),
      test('delivery/route/situations.test.ts', 'no weaker way than without an attack, when'),
      test('interop/receivers.test.ts', 'that %s gets nothing'),
      test(
        'interop/unbound.test.ts',
        'whose TLSA records somebody changed is not reached by MTA-STS instead',
      ),
    ],
    evidence: '`sealpost inventory`: profile',
  },
  {
    row: 'internal links are in scope, administration too',
    wants: 'same profile inside; admin only over TLS with MFA',
    state: 'partly',
    behaviour:
      'One profile for every listener and connection; PostgreSQL needs TLS 1.3. The console is TLS only.',
    tests: [
      test('platform/postgres-tls.test.ts', 'verified TLS 1.3 connects, whatever the PG variables say'),
      test('security/no-plaintext-port.test.ts', 'there is a TLS server'),
      test(
        'security/browser-attacks.test.ts',
        'cookies are for this host, TLS and our own pages alone, and no script sees them',
      ),
      test('config/load.test.ts', 'PostgreSQL by host without a CA'),
    ],
    evidence: '`sealpost inventory`',
    missing: 'A second factor: operators sign in by a link so far.',
  },
  {
    row: 'a component that cannot do it (PostgreSQL is named)',
    wants:
      'PostgreSQL ≥15 with TLS 1.3; else an explicit, expiring, alerting `tunnel` exception that is in the inventory and refuses start once expired',
    state: 'yes',
    behaviour:
      '`SEALPOST_DATABASE_TUNNEL_UNTIL` and `_REASON`: TLS 1.2, verified as ever, for 180 days at most, announced while it lasts.',
    tests: [
      test(
        'platform/postgres-tls.test.ts',
        'an exception lets PostgreSQL speak TLS 1.2 until its day, verified as ever, and never in clear',
      ),
      test(
        'platform/own-tls.test.ts',
        'the exception for PostgreSQL holds until its day, ends, and cannot be for ever',
      ),
      test(
        'connections/announce.test.ts',
        'an exception in force is recorded and logged at the start and every day, until it is told to end',
      ),
      test(
        'cli/serve-tls.test.ts',
        'an exception for PostgreSQL that has ended: refused before anything is opened',
      ),
    ],
    evidence:
      '`sealpost inventory` and `doctor` show the exception, its reason and its day; event `exception.active`',
  },
  {
    row: 'IPsec instead',
    wants: 'accepted as *additional* layer only; PAN links stay TLS',
    state: 'yes',
    behaviour: 'No setting takes TLS from a connection because of what lies below it.',
    tests: [
      test('config/load.test.ts', 'PostgreSQL by host without a CA'),
      test('delivery/destination.test.ts', 'a rule is refused when'),
    ],
    evidence: '[configuration.md](configuration.md), [destinations.md](destinations.md)',
  },
  {
    row: 'reporting and migration plan',
    wants: 'exported protocol and cipher inventory with review dates',
    state: 'yes',
    behaviour:
      'Versions, suites, groups, CAs, ends and the day of review, as JSON. A crypto policy that demands more says beforehand whom it cuts off.',
    tests: [
      test(
        'cli/doctor.test.ts',
        'the inventory lists every listener and connection with its CA, floor and ends',
      ),
      test('policy/policy.test.ts', '%s has a day by which it is looked at again, in a year at most'),
      test('policy/adoption.test.ts', 'whom a policy cuts off'),
    ],
    evidence: '`sealpost inventory --json`, `sealpost policy assess`',
  },
]
