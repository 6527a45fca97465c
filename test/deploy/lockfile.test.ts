import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { root } from './compose-file.ts'

const names = z.record(z.string(), z.string()).default({})
const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string(),
      integrity: z.string().optional(),
      dependencies: names,
      optionalDependencies: names,
      engines: z.union([names, z.array(z.string())]).optional(),
    }),
  ),
})
const { packages } = lockfile.parse(JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')))

/** Where Node would find `name` from the package at `path`. */
function found(path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in packages) return true
    if (at === '') return false
  }
}

test('the lockfile holds every platform of every package, or `npm ci` refuses it', () => {
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies }).filter(name => !found(path, name)),
  )
  expect(missing).toEqual([])
})

test('every package but our own has its digest', () => {
  expect(
    Object.entries(packages).filter(([path, { integrity }]) => path !== '' && integrity === undefined),
  ).toEqual([])
})

test('npm on Node 20 installs what is optional: it skips, in silence, what asks for a newer Node', () => {
  const optional = Object.keys(packages['']?.optionalDependencies ?? {})
  expect(optional.length).toBeGreaterThan(3)
  for (const name of optional) {
    const engines = packages[`node_modules/${name}`]?.engines ?? {}
    const least =
      /^(?:>=|\^)?\s*(\d+)/.exec(Array.isArray(engines) ? '' : (engines['node'] ?? ''))?.[1] ?? '0'
    expect(Number(least), name).toBeLessThanOrEqual(20)
  }
})
