import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, matchesGlob } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { compose, root } from './compose-file.ts'

const dockerfile = readFileSync(`${root}Dockerfile`, 'utf8')
const ignore = readFileSync(`${root}.dockerignore`, 'utf8').trim().split('\n')
const app = mkdtempSync(join(tmpdir(), 'sealpost-image-'))
afterAll(() => rmSync(app, { recursive: true }))

/** Of the Dockerfile: what it copies from here, and to where under /app. */
const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)].flatMap(
  ([, sources = '', target = '']) =>
    sources.split(' ').map(source => ({ source, target: target === './' ? source : target })),
)

/** The last matching line of .dockerignore decides, for a path or a folder that holds it. */
function ignored(path: string): boolean {
  return ignore.reduce((verdict, line) => {
    const pattern = line.replace(/^!/, '')
    const matches = matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`)
    return matches ? !line.startsWith('!') : verdict
  }, false)
}

// What the image holds under /app, but for packages: those of this checkout stand in for `npm ci --omit`.
for (const { source, target } of copies) {
  cpSync(root + source, join(app, target), {
    recursive: true,
    filter: path => !ignored(path.slice(root.length)),
  })
}
symlinkSync(`${root}node_modules`, join(app, 'node_modules'))

const sealpost = (...words: string[]): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, ['--disable-sigusr1', join(app, 'src/cli/main.ts'), ...words], {
    cwd: '/',
    env: {},
  })

test('the Dockerfile copies what exists and is not ignored', () => {
  expect(copies.length).toBeGreaterThan(5)
  for (const { source, target } of copies) {
    expect(existsSync(root + source), source).toBe(true)
    expect(existsSync(join(app, target)), source).toBe(true)
  }
})

test('the image has no demo, no tests and no secrets', () => {
  for (const path of ['src/demo', 'test', 'deploy/secrets', 'bench']) {
    expect(existsSync(join(app, path)), path).toBe(false)
  }
  expect(ignored('deploy/secrets/gateway.key')).toBe(true)
  expect(ignored('src/demo/index.ts')).toBe(true)
})

test('the image runs without a shell, and not as root', () => {
  const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  expect(final).not.toMatch(/^(RUN|SHELL|ADD) /m)
  expect(final).not.toMatch(/^(ENTRYPOINT|CMD) [^[]/m)
  expect(final).toMatch(/^USER 65532:65532$/m)
})

const own = Object.entries(compose.services).filter(([, { build }]) => build !== undefined)

test.each(own)('what %s runs is a command of this program', async (_, { command }) => {
  const help = await sealpost(...command.filter(word => word !== '--help'), '--help')
  const [name = ''] = command
  expect(help.stdout).toContain(name === '--help' ? 'Usage: sealpost' : `Usage: sealpost ${name}`)
})

test.each(own)('what %s checks its health with is there', (_, { healthcheck }) => {
  if (healthcheck === undefined) return
  const [kind, program, script = ''] = healthcheck.test
  expect([kind, program]).toEqual(['CMD', '/usr/local/bin/node'])
  expect(existsSync(script.replace(/^\/app/, app))).toBe(true)
})
