import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseDestinationRule } from '../../src/delivery/index.ts'
import { rooms } from '../architecture/rooms.ts'

const root = new URL('../../', import.meta.url).pathname
const pages = globSync('{*.md,docs/**/*.md}', { cwd: root })
const read = (page: string): string => readFileSync(join(root, page), 'utf8')

describe.each(pages)('%s', page => {
  test('links to files that are there', () => {
    const targets = [...read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target)
    expect(targets.filter(target => !existsSync(join(root, dirname(page), target)))).toEqual([])
  })

  test('names tests and sources that are there', () => {
    const named = [...read(page).matchAll(/(?<![\w/.])((?:test|src|deploy|migrations)\/[\w./-]*\w)/g)].map(
      ([path]) => path,
    )
    // Made by `pki init`, not part of the tree.
    expect(named.filter(path => path !== 'deploy/secrets' && !existsSync(join(root, path)))).toEqual([])
  })
})

test('docs/architecture.md has the rooms of the table that is checked', () => {
  const text = read('docs/architecture.md')
  const section = text.slice(text.indexOf('## Rooms'), text.indexOf('## Invariants'))
  const named = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, room]) => room)
  expect(named.toSorted()).toEqual(
    Object.keys(rooms)
      .filter(room => room !== 'sealer/protocol.ts')
      .toSorted(),
  )
})

test('the sources that docs/architecture.md says enforce an invariant are there', () => {
  const text = read('docs/architecture.md')
  const section = text.slice(text.indexOf('## Invariants'), text.indexOf('## Glossary'))
  const paths = [...section.matchAll(/`([a-z]+\/[\w./-]+)`/g)]
    .map(([, path = '']) => path)
    .filter(path => !path.startsWith('house/') && !path.startsWith('migrations/'))
  expect(paths.length).toBeGreaterThan(8)
  expect(paths.filter(path => !existsSync(join(root, 'src', path)))).toEqual([])
})

test('the rules in docs/destinations.md are rules', () => {
  const examples = [...read('docs/destinations.md').matchAll(/```json\n([^`]+)```/g)]
  expect(examples).toHaveLength(2)
  for (const [, json = ''] of examples) expect(() => parseDestinationRule(json)).not.toThrow()
})

test('docs/operator-api.md has the routes of the operators\u2019 API, and no other', () => {
  const sources = globSync('src/http/console/api/*.ts', { cwd: root }).map(read).join('')
  const decisions = ['approve', 'reject', 'withdraw'].map(decision => `/change-requests/:id/${decision}`)
  const routes = [...sources.matchAll(/\.route\(\s*'([^']+)'/g)].map(([, path = '']) => path)
  const changes = [...sources.matchAll(/^ {2}change\('([^']+)'/gm)].map(
    ([, path = '']) => `/recipients/:id/${path}`,
  )
  const documented = [...read('docs/operator-api.md').matchAll(/^\| `(\/[^`]+)` \|/gm)].map(
    ([, path]) => path,
  )
  expect(documented.toSorted()).toEqual([...routes, ...changes, ...decisions].toSorted())
})
