import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { complaints, type Survey, survey } from './cruise.ts'
import { builtinsOnly, packages, type Room, reachingBuiltins, rooms, sealerWords } from './rooms.ts'

let trees: string[] = []
afterEach(() => {
  for (const tree of trees) rmSync(tree, { recursive: true })
  trees = []
})

/** Surveys a house made of these files. Every room has a door, and every package of rooms.ts is installed. */
async function surveyOf(files: Record<string, string>): Promise<Survey> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'sealpost-architecture-')))
  trees.push(base)
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(base, path)), { recursive: true })
    writeFileSync(join(base, path), text)
  }
  write('package.json', '{"type":"module"}')
  for (const name of [...Object.keys(packages), 'knex', 'left-pad']) {
    write(`node_modules/${name}/index.js`, 'export const value = 1')
  }
  for (const room of Object.keys(rooms) as Room[]) write(`src/${fileOf(room)}`, 'export const value = 1')
  write('src/demo/shortcut.ts', 'export const value = 1')
  for (const [path, text] of Object.entries(files)) write(path, text)
  return survey(base, ['src'])
}

const fileOf = (room: Room): string => (room.endsWith('.ts') ? room : `${room}/index.ts`)
const folderOf = (room: Room): string => `src/${room.replace(/\.ts$/, '')}`
const up = (room: Room): string => '../'.repeat(room.split('/').length)

/** The rules that the files under `from` broke, `orphan` apart: in these houses most doors lead nowhere. */
const broken = (seen: Survey, from: string): string[] =>
  [
    ...new Set(seen.violations.filter(v => v.from === from && v.rule !== 'orphan').map(v => v.rule)),
  ].toSorted()

describe('an arrow that the table does not have is refused, one that it has is not', () => {
  const folders = (Object.keys(rooms) as Room[]).filter(room => !room.endsWith('.ts'))

  test.each(folders)('from %s', async from => {
    const others = (Object.keys(rooms) as Room[]).filter(room => room !== from)
    const file = (to: Room): string => `${folderOf(from)}/to-${to.replace(/\W/g, '-')}.ts`
    const seen = await surveyOf(
      Object.fromEntries(others.map(to => [file(to), `import '${up(from)}${fileOf(to)}'`])),
    )
    const refused = others.filter(to =>
      broken(seen, file(to)).some(name => name === `room ${from}` || name === 'sealer words'),
    )
    const allowed: readonly string[] = rooms[from]
    expect(refused).toEqual(others.filter(to => !allowed.includes(to)))
  })
})

describe('an arrow is seen however it is written', () => {
  test.each([
    ['a plain import', "import { value } from '../delivery/index.ts'; export const x = value"],
    ['a type-only import', "import type { value } from '../delivery/index.ts'; export type X = typeof value"],
    ['an inline type', "export type X = typeof import('../delivery/index.ts')"],
    ['a re-export', "export { value } from '../delivery/index.ts'"],
    ['a dynamic import', "export const x = (): unknown => import('../delivery/index.ts')"],
  ])('%s', async (_, text) => {
    const seen = await surveyOf({ 'src/keys/index.ts': text })
    expect(broken(seen, 'src/keys/index.ts')).toEqual(['room keys'])
  })
})

test.each(sealerWords)('%s uses the words of the sealer, not the sealer', async room => {
  const seen = await surveyOf({
    [`src/${room}/words.ts`]:
      "import type { value } from '../sealer/host/index.ts'; export type X = typeof value",
    [`src/${room}/sealer.ts`]: "import { value } from '../sealer/host/index.ts'; export const x = value",
  })
  expect(broken(seen, `src/${room}/words.ts`)).toEqual([])
  expect(broken(seen, `src/${room}/sealer.ts`)).toEqual(['sealer words'])
})

describe('doors', () => {
  test('nobody reaches past one', async () => {
    const seen = await surveyOf({
      'src/keys/store.ts': 'export const value = 1',
      'src/intake/index.ts': "import '../keys/store.ts'",
    })
    expect(broken(seen, 'src/intake/index.ts')).toEqual(['room intake'])
  })

  test('the small rooms of the platform have doors of their own', async () => {
    const seen = await surveyOf({
      'src/platform/pki/index.ts': 'export const value = 1',
      'src/platform/pki/issue.ts': 'export const value = 1',
      'src/keys/good.ts': "import '../platform/pki/index.ts'",
      'src/keys/bad.ts': "import '../platform/pki/issue.ts'",
    })
    expect(broken(seen, 'src/keys/good.ts')).toEqual([])
    expect(broken(seen, 'src/keys/bad.ts')).toEqual(['room keys'])
  })
})

describe('the demo', () => {
  const shortcut = "import '../../demo/index.ts'"

  test('is out of reach of serve, however far away', async () => {
    const seen = await surveyOf({
      'src/cli/commands/serve.ts': "import '../../gateway/index.ts'",
      'src/gateway/index.ts': "import '../intake/index.ts'",
      'src/intake/index.ts': "import './deeper.ts'",
      'src/intake/deeper.ts': "export const x = (): unknown => import('../demo/shortcut.ts')",
    })
    expect(broken(seen, 'src/cli/commands/serve.ts')).toContain('demo is out of reach')
    expect(broken(seen, 'src/gateway/index.ts')).toContain('demo is out of reach')
    expect(broken(seen, 'src/intake/deeper.ts')).toEqual(['room intake'])
  })

  test('is imported by its own command only, and lazily', async () => {
    const seen = await surveyOf({
      'src/cli/commands/doctor.ts': "export const x = (): unknown => import('../../demo/index.ts')",
      'src/cli/commands/demo.ts': "export const x = (): unknown => import('../../demo/index.ts')",
    })
    expect(broken(seen, 'src/cli/commands/doctor.ts')).toEqual(['room cli'])
    expect(broken(seen, 'src/cli/commands/demo.ts')).toEqual([])
    const eager = await surveyOf({ 'src/cli/commands/demo.ts': shortcut })
    expect(broken(eager, 'src/cli/commands/demo.ts')).toEqual(['demo is lazy'])
  })
})

describe('what is bought stays in its rooms', () => {
  test.each(Object.entries(packages))('%s', async (name, where) => {
    const file = (room: Room): string => `${folderOf(room)}/bought.ts`
    const all = (Object.keys(rooms) as Room[]).filter(room => !room.endsWith('.ts'))
    const seen = await surveyOf(
      Object.fromEntries(all.map(room => [file(room), `import '${name}/index.js'`])),
    )
    const refused = all.filter(room => broken(seen, file(room)).includes(`package ${name}`))
    expect(refused).toEqual(all.filter(room => !where.includes(room)))
  })

  test('a package that nobody listed is refused everywhere', async () => {
    const seen = await surveyOf({ 'src/platform/index.ts': "import 'left-pad'" })
    expect(broken(seen, 'src/platform/index.ts')).toContain('package unlisted')
  })

  test('knex is a type to most rooms, a value to the platform, nothing to the strict rooms', async () => {
    const seen = await surveyOf({
      'src/keys/type.ts': "import type { value } from 'knex'; export type X = typeof value",
      'src/keys/value.ts': "import { value } from 'knex'; export const x = value",
      'src/platform/value.ts': "import { value } from 'knex'; export const x = value",
      'src/kernel/type.ts': "import type { value } from 'knex'; export type X = typeof value",
    })
    expect(broken(seen, 'src/keys/type.ts')).toEqual([])
    expect(broken(seen, 'src/keys/value.ts')).toEqual(['package knex'])
    expect(broken(seen, 'src/platform/value.ts')).toEqual([])
    expect(broken(seen, 'src/kernel/type.ts')).toEqual(['package knex, types'])
  })
})

describe('what reaches outside the process stays in its rooms', () => {
  test.each(Object.entries(reachingBuiltins))('node:%s', async (name, where) => {
    const all = (Object.keys(rooms) as Room[]).filter(room => !room.endsWith('.ts'))
    const seen = await surveyOf(
      Object.fromEntries(all.map(room => [`${folderOf(room)}/builtin.ts`, `import 'node:${name}'`])),
    )
    const refused = all.filter(room =>
      broken(seen, `${folderOf(room)}/builtin.ts`).includes(`builtin ${name}`),
    )
    expect(refused).toEqual(all.filter(room => !where.includes(room)))
  })

  test.each(Object.entries(builtinsOnly))('%s has a short list', async (room, names) => {
    const seen = await surveyOf({
      [`src/${room}/good.ts`]: names.map(name => `import 'node:${name}'`).join('\n'),
      [`src/${room}/bad.ts`]: "import 'node:fs/promises'",
      [`src/${room}/odd.ts`]: "import 'os'",
    })
    expect(broken(seen, `src/${room}/good.ts`)).toEqual([])
    expect(broken(seen, `src/${room}/bad.ts`)).toEqual(['builtin fs', `builtins of ${room}`])
    expect(broken(seen, `src/${room}/odd.ts`)).toEqual([`builtins of ${room}`])
  })
})

describe('the shape of the house', () => {
  test('cycles, dead files, missing files and unknown rooms are refused', async () => {
    const seen = await surveyOf({
      'src/keys/a.ts': "import './b.ts'",
      'src/keys/b.ts': "import './a.ts'",
      'src/keys/type-a.ts': "import './type-b.ts'; export type A = 1",
      'src/keys/type-b.ts': "import type { A } from './type-a.ts'; export type B = A",
      'src/keys/alone.ts': 'export const value = 1',
      'src/keys/hopeful.ts': "import './missing.ts'",
      'src/utils/index.ts': "import '../kernel/index.ts'",
    })
    expect(broken(seen, 'src/keys/a.ts')).toEqual(['cycle'])
    expect(broken(seen, 'src/keys/type-a.ts')).toEqual([])
    expect(seen.violations).toContainEqual({
      rule: 'orphan',
      from: 'src/keys/alone.ts',
      to: 'src/keys/alone.ts',
    })
    expect(broken(seen, 'src/keys/hopeful.ts')).toEqual(['unresolved'])
    expect(broken(seen, 'src/utils/index.ts')).toEqual(['room unknown'])
  })

  test('a survey that saw nothing complains', () => {
    expect(complaints({ modules: 0, dependencies: 0, violations: [] })).toHaveLength(1)
    expect(complaints({ modules: 7, dependencies: 0, violations: [] })).toHaveLength(1)
    expect(complaints({ modules: 7, dependencies: 3, violations: [] })).toEqual([])
    expect(
      complaints({ modules: 7, dependencies: 3, violations: [{ rule: 'r', from: 'a', to: 'b' }] }),
    ).toEqual(['r: a → b'])
  })
})
