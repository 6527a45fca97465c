import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { settings } from '../../src/config/index.ts'
import { compose, composeDocument, composeText, root, serviceNamed } from './compose-file.ts'

// compose-spec.json is schema/compose-spec.json of github.com/compose-spec/compose-spec at 170098b (Apache-2.0).
// Its $schema says https: where draft 7 is named http:, which makes readers guess.
const specification = z.fromJSONSchema({
  ...(JSON.parse(readFileSync(new URL('compose-spec.json', import.meta.url), 'utf8')) as object),
  $schema: 'http://json-schema.org/draft-07/schema#',
})

const all = Object.entries(compose.services)

describe('the compose file', () => {
  test('follows the compose specification', () => {
    expect(specification.safeParse(composeDocument)).toMatchObject({ success: true })
  })

  test.each([
    ['a misspelt key', { services: { a: { imag: 'x' } } }],
    ['a string for a list', { services: { a: { cap_drop: 'ALL' } } }],
    ['a secret of a wrong form', { secrets: { a: 'file' } }],
  ])('canary: the schema sees %s', (_, wrong) => {
    expect(specification.safeParse(wrong).success).toBe(false)
  })

  test('publishes the listeners for applications, operators and recipients, and nothing else', () => {
    const published = ['8443:8443', '8444:8444', '8445:8445']
    expect(all.flatMap(([, { ports }]) => ports)).toEqual(published)
    expect(serviceNamed('gateway').ports).toEqual(published)
  })

  test('keeps PostgreSQL on a network without a way out', () => {
    expect(serviceNamed('postgres').networks).toEqual(['database'])
    expect(compose.networks['database']).toEqual({ internal: true })
  })

  test.each(all)('%s has no root, no capability, no writable root, no core dumps', (_, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      ulimits: { core: 0 },
    })
    expect(service.user).toMatch(/^\$\{RUN_AS:\?/)
  })

  test.each(all.filter(([, { build }]) => build !== undefined))(
    '%s, our own, has nowhere to write and no swap',
    (name, service) => {
      expect([...service.volumes, ...service.tmpfs]).toEqual([])
      const [limit, withSwap] = [/mem_limit: (\w+)/, /memswap_limit: (\w+)/].map(
        pattern => pattern.exec(composeText)?.[1],
      )
      expect(limit, name).toBe(withSwap)
    },
  )

  test.each(all.filter(([, { build }]) => build !== undefined))(
    '%s uses only settings that exist, and only the secrets that it was given',
    (_, { environment, secrets }) => {
      expect(Object.keys(environment).filter(name => !(name in settings))).toEqual([])
      const read = Object.values(environment).filter(value => value.startsWith('/run/secrets/'))
      expect(read.map(path => path.slice('/run/secrets/'.length)).toSorted()).toEqual(secrets.toSorted())
    },
  )

  test('the gateway never holds the password of the owner', () => {
    expect(serviceNamed('gateway').secrets).not.toContain('database-owner-password')
  })

  test.each(all)('%s mounts files that are there', (_, { volumes }) => {
    const sources = volumes.map(volume => volume.split(':')[0] ?? '').filter(source => source.startsWith('.'))
    expect(sources.filter(source => !existsSync(root + source))).toEqual([])
  })
})
