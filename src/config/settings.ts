/**
 * Every environment variable that the program reads. `docs/configuration.md` is generated from here.
 * A secret is never in a variable itself: the variable names a file.
 */
export const settings = {
  SEALPOST_DATABASE_SOCKET: setting(
    'Directory of a PostgreSQL unix socket on this host. Instead of host and CA.',
  ),
  SEALPOST_DATABASE_HOST: setting('Host name of PostgreSQL; its certificate must carry this name.'),
  SEALPOST_DATABASE_PORT: setting('Port of PostgreSQL.', '5432'),
  SEALPOST_DATABASE_NAME: setting('Database name.', 'sealpost'),
  SEALPOST_DATABASE_CA_FILE: setting('PEM file with the one CA that PostgreSQL is trusted by.'),
  SEALPOST_DATABASE_CERT_FILE: setting('PEM file with the client certificate for PostgreSQL.'),
  SEALPOST_DATABASE_KEY_FILE: setting('PEM file with the key of that certificate.'),
  SEALPOST_DATABASE_CRL_FILE: setting(
    'PEM file with a list of revoked certificates for every CA in SEALPOST_DATABASE_CA_FILE. With it, PostgreSQL is refused once a list is missing or has expired.',
  ),
  SEALPOST_DATABASE_SPKI_PINS: setting(
    'Beside the CA: base64 of SHA-256 over the public key (SubjectPublicKeyInfo) of PostgreSQL, separated by commas. Any other key is refused.',
    '',
  ),
  SEALPOST_DATABASE_TUNNEL_UNTIL: setting(
    'Day (`YYYY-MM-DD`, at most 180 days ahead) before which PostgreSQL may speak TLS 1.2, everything else being verified as ever. From that day on the gateway refuses to start. For a PostgreSQL that cannot speak TLS 1.3 yet.',
  ),
  SEALPOST_DATABASE_TUNNEL_REASON: setting('Why, and who agreed to it; shown by `inventory` and `doctor`.'),
  SEALPOST_DATABASE_PASSWORD_FILE: setting('File with the password of the gateway role.'),
  SEALPOST_DATABASE_OWNER_PASSWORD_FILE: setting(
    'File with the password of the owner role, for `migrate` and admin commands.',
  ),
  SEALPOST_DATABASE_POOL: setting('Connections per replica for requests and deliveries.', '12'),
  SEALPOST_API_LISTEN: setting('Address and port of the listener for applications.', '0.0.0.0:8443'),
  SEALPOST_CONSOLE_LISTEN: setting('Address and port of the listener for operators.', '0.0.0.0:8444'),
  SEALPOST_PUBLIC_LISTEN: setting('Address and port of the listener for recipients.', '0.0.0.0:8445'),
  SEALPOST_CONSOLE_URL: setting(
    'Where operators reach their listener, `https://NAME` or `https://NAME:PORT`. Links for them begin like this, and their browsers must say that they come from here.',
  ),
  SEALPOST_PUBLIC_URL: setting(
    'Where recipients reach theirs, likewise. Best another host name than that of the operators: cookies do not tell ports apart.',
  ),
  SEALPOST_ORGANISATION: setting('Our name in mails and pages for recipients, at most 100 characters.'),
  SEALPOST_NOTICE_FROM: setting(
    'Address that notices to recipients and operators come from. Without it: `notices@` and the mail host.',
  ),
  SEALPOST_DISCOVERY: setting(
    '`on` or `off`: whether certificates are looked for at the recipient’s own domain (WKD) and at the key server, to offer them at enrolment and to see revocations. What is found is never trusted for that.',
    'on',
  ),
  SEALPOST_KEYSERVER: setting(
    'A verifying key server (VKS), `https://NAME`. Empty: none is asked. It learns whom we enrol.',
    '',
  ),
  SEALPOST_OPS_LISTEN: setting('Address and port of health checks.', '127.0.0.1:9443'),
  SEALPOST_TLS_CERT_FILE: setting('PEM file with the certificate chain of the listeners.'),
  SEALPOST_TLS_KEY_FILE: setting('PEM file with the key of that certificate.'),
  SEALPOST_PUBLIC_TLS_CERT_FILE: setting(
    'PEM file with another certificate chain for the listener of recipients, whose browsers trust public CAs only. Without it: that of the other listeners.',
  ),
  SEALPOST_PUBLIC_TLS_KEY_FILE: setting('PEM file with the key of that certificate.'),
  SEALPOST_CLIENT_CA_FILE: setting(
    'PEM file with the private CA whose client certificates name applications.',
  ),
  SEALPOST_CLIENT_CRL_FILE: setting(
    'PEM file with a list of revoked certificates for every CA in SEALPOST_CLIENT_CA_FILE. With it, every application is refused once a list is missing or has expired.',
  ),
  SEALPOST_EXPOSURE: setting(
    '`internal` or `external`. External: the certificates of the listeners for applications and recipients must be good in the eyes of the public CAs (the Mozilla roots of Node), or the gateway does not start.',
    'internal',
  ),
  SEALPOST_FOREIGN_CERTIFICATES: setting(
    'SHA-256 fingerprints (hex), separated by commas, of certificates that belong to other environments: never used, trusted or accepted here.',
    '',
  ),
  SEALPOST_MAIL_HOST: setting('Our host name in SMTP (EHLO) and in Message-IDs.'),
  SEALPOST_SEALERS: setting('Sealer processes.', '2'),
  SEALPOST_MAX_ATTACHMENT_MB: setting(
    'What the attachments of a message may weigh together, 1 to 100 (MiB, decoded). Recipients’ mail servers often take less.',
    '25',
  ),
  SEALPOST_DELIVERY_ALLOWED_NETWORKS: setting(
    'CIDR ranges, separated by commas, where mail servers, witnesses, and the lists and responders that certificates name, may be although the range is private, loopback or link-local.',
    '',
  ),
  SEALPOST_DNS_RESOLVER: setting(
    'ADDRESS:PORT of a resolver that validates DNSSEC, at a loopback address of this host. Without it DANE is off: nothing that DNS says is proved.',
  ),
  SEALPOST_RELAY_RULE_FILE: setting(
    'JSON file with a destination rule of mode `pinned` or `secure`: the one server that all mail goes to. Without it, each domain’s own servers.',
  ),
  SEALPOST_RELAY_USERNAME: setting('The name that the relay knows us by (SASL), said inside TLS only.'),
  SEALPOST_RELAY_PASSWORD_FILE: setting('File with the password of that name.'),
  SEALPOST_RELAY_CERT_FILE: setting('PEM file with a client certificate for the relay.'),
  SEALPOST_RELAY_KEY_FILE: setting('PEM file with the key of that certificate.'),
  SEALPOST_RETURN_PATH_DOMAIN: setting(
    'Our domain that other servers’ reports on deliveries go to: MAIL FROM is then `bounce+` and the delivery’s id there. Its SPF record must name us. Without it: the sender.',
  ),
  SEALPOST_PUBLIC_CA_FILE: setting(
    'PEM file with the roots trusted for `secure` destinations, instead of the Mozilla roots of Node.',
  ),
  SEALPOST_SYSLOG_HOST: setting(
    'Host name or address of a syslog server (RFC 5425) that every audit event and checkpoint goes to; its certificate must carry it. Without it, none does.',
  ),
  SEALPOST_SYSLOG_PORT: setting('Port of the syslog server.', '6514'),
  SEALPOST_SYSLOG_CA_FILE: setting('PEM file with the CAs that the syslog server is trusted by.'),
  SEALPOST_SYSLOG_CRL_FILE: setting(
    'PEM file with a list of revoked certificates for every CA in SEALPOST_SYSLOG_CA_FILE. With it, the syslog server is refused once a list is missing or has expired.',
  ),
  SEALPOST_SYSLOG_CERT_FILE: setting('PEM file with a client certificate for the syslog server.'),
  SEALPOST_SYSLOG_KEY_FILE: setting('PEM file with the key of that certificate.'),
  SEALPOST_ANCHOR_DIRECTORY: setting(
    'Directory that files can be added to and not taken from: every checkpoint of the audit log becomes a file there (docs/anchors.md). Without it, none does.',
  ),
  SEALPOST_WITNESSES: setting(
    'Witnesses of the audit log (C2SP tlog-witness), separated by commas: the URL of each, a space, its verifier key.',
    '',
  ),
  SEALPOST_WITNESS_CA_FILE: setting(
    'PEM file with the CAs that witnesses are trusted by, instead of the Mozilla roots of Node.',
  ),
  SEALPOST_ANCHOR_INTERVAL: setting(
    'Seconds after which the newest checkpoint is taken to the anchors: the directory, witnesses, the syslog server.',
    '60',
  ),
  SEALPOST_WEBHOOK_ALLOWED_NETWORKS: setting(
    'CIDR ranges, separated by commas, where webhooks may be called although the range is private, loopback or link-local (docs/webhooks.md).',
    '',
  ),
  SEALPOST_WEBHOOK_CA_FILE: setting(
    'PEM file with the CAs that receivers of webhooks are trusted by, instead of the Mozilla roots of Node.',
  ),
  SEALPOST_LOG_LEVEL: setting('`debug`, `info`, `warn` or `error`.', 'info'),
} as const satisfies Record<string, Setting>

export interface Setting {
  readonly description: string
  /** Absent: there is no default; the commands that need the setting refuse to start without it. */
  readonly default?: string
}

export type SettingName = keyof typeof settings

function setting(description: string, value?: string): Setting {
  return value === undefined ? { description } : { description, default: value }
}
