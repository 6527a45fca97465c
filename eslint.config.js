import tseslint from 'typescript-eslint'

/** A guarantee of the house that a syntax tree can see: what is forbidden, why, and where it is allowed after all. */
const guarantees = [
  {
    name: 'sql-in-store',
    selector: "CallExpression[callee.property.name='raw']",
    message: 'SQL stands only in store.ts of each room.',
    allowed: ['src/**/store.ts', 'src/platform/**'],
  },
  {
    name: 'tables-in-store',
    selector:
      "CallExpression[callee.name=/^(knex|trx|database|db|transaction)$/][arguments.0.type='Literal']",
    message: 'SQL stands only in store.ts of each room.',
    allowed: ['src/**/store.ts', 'src/platform/**'],
  },
  {
    name: 'time-from-clock',
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Time comes from the Clock that was passed in (kernel/clock.ts).',
    // The client stands alone; whoever checks a webhook call may pass the time.
    allowed: ['src/kernel/clock.ts', 'src/client/webhook.ts'],
  },
  {
    name: 'durations-from-performance',
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'Time comes from the Clock that was passed in; durations from performance.now().',
    allowed: ['src/kernel/clock.ts'],
  },
  {
    name: 'no-math-random',
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Use node:crypto: nobody here may guess anything.',
    allowed: [],
  },
  {
    name: 'settings-from-config',
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: 'Settings are read by config/, once; a command hands it the environment.',
    allowed: ['src/config/**', 'src/cli/**', 'src/demo/**'],
  },
  {
    name: 'no-process-exit',
    selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
    message: 'Set process.exitCode and let work finish.',
    allowed: ['src/sealer/inside/main.ts', 'src/cli/main.ts'],
  },
  {
    name: 'json-in-sealer',
    selector: "MemberExpression[object.name='JSON'][property.name='parse']",
    message:
      'Only a sealer parses what applications send (docs/decisions/0007-json-is-parsed-in-the-sealer.md).',
    allowed: [
      'src/{kernel,config,platform,audit,audit-log,evidence,review,verifier,policy,custody,keys,recipients,delivery,cli,demo}/**',
      // What the gateway answers, at the application's end.
      'src/client/wire.ts',
      // What operators send; never a message.
      'src/http/console/read-json.ts',
    ],
  },
  {
    name: 'plaintext-stays-shut',
    selector: "ImportSpecifier[imported.name='reveal']",
    message: 'Plaintext is opened only on its way to a sealer, and inside one.',
    allowed: ['src/sealer/**'],
  },
  {
    name: 'ciphertext-from-gate',
    selector: "TSAsExpression > TSTypeReference[typeName.name='Ciphertext']",
    message: 'Only the outbound gate of sealer/host mints Ciphertext.',
    allowed: ['src/sealer/host/**'],
  },
  {
    name: 'address-is-asked',
    selector: "TSAsExpression > TSTypeReference[typeName.name='Address']",
    message: 'Ask isAddress(), do not assert.',
    allowed: ['src/kernel/**', 'src/sealer/inside/**', 'src/demo/**'],
  },
  {
    name: 'tls-verifies',
    selector: "Property[key.name='rejectUnauthorized']:not([value.value=true])",
    message:
      'Nothing connects to an unauthenticated server; only our listener looks at a client before it refuses it.',
    allowed: ['src/http/listener.ts'],
  },
  {
    name: 'plain-http-for-signed',
    selector: "ImportDeclaration[importKind='value'][source.value=/^(?:node:)?http$/]",
    message: 'Every connection is TLS. Only what carries its own signature is fetched otherwise.',
    allowed: ['src/platform/revocation/fetch.ts'],
  },
  {
    name: 'named-exports',
    selector: 'ExportDefaultDeclaration',
    message: 'Named exports only.',
    allowed: [],
  },
]

/** Each guarantee becomes a rule of its own, so that it is switched off alone, where it is allowed. */
const house = {
  rules: Object.fromEntries(
    guarantees.map(({ name, selector, message }) => [
      name,
      { create: context => ({ [selector]: node => context.report({ node, message }) }) },
    ]),
  ),
}

// eslint reads its configuration from the default export.
export default tseslint.config(
  { ignores: ['node_modules', 'coverage', 'dist'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'error',
      'no-eval': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // A test that meets an undefined fails, which is all that the assertion would prevent.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { house },
    rules: Object.fromEntries(guarantees.map(({ name }) => [`house/${name}`, 'error'])),
  },
  ...guarantees
    .filter(({ allowed }) => allowed.length > 0)
    .map(({ name, allowed }) => ({ files: allowed, rules: { [`house/${name}`]: 'off' } })),
)
