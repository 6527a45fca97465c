import { describe, expect, test } from 'vitest'
import { pciFields, typesOf, wordsOfField } from '../../docs/audit-events-page.ts'
import { readEventSources } from '../../docs/audit-events-source.ts'
import { eventRow } from '../../src/audit/append.ts'
import { pciRows } from '../../src/audit/catalogue/entry.ts'
import { catalogue, withOrigin } from '../../src/audit/index.ts'
import { newId, systemClock } from '../../src/kernel/index.ts'

const { areas, shapes } = readEventSources()
const groups = areas.flatMap(area => area.groups)

describe('the catalogue of events', () => {
  test('is what the declarations say, each type once', () => {
    const declared = groups.flatMap(({ types }) => types)
    expect(declared.toSorted()).toEqual(Object.keys(catalogue).toSorted())
  })

  test('says of every field what it is', () => {
    const fields = [...groups.flatMap(group => group.fields), ...shapes.flatMap(shape => shape.fields)]
    expect(fields.length).toBeGreaterThan(200)
    expect(fields.filter(field => wordsOfField(field) === undefined).map(({ name }) => name)).toEqual([])
  })

  test('says of every type what it means, in a sentence', () => {
    for (const [type, { means }] of Object.entries(catalogue)) {
      expect.soft(means, type).toMatch(/^[A-Z].{10,}\.$/)
    }
  })

  test.each(Object.keys(pciRows))('answers PCI DSS %s', row => {
    expect(typesOf(row).length).toBeGreaterThan(0)
  })

  test('of what is refused or fails, no type tells of a success', () => {
    const bad = Object.entries(catalogue).filter(([type]) =>
      /\.(?:refused|failed|deferred|wrong)$/.test(type),
    )
    expect(bad.length).toBeGreaterThan(8)
    for (const [type, { result }] of bad) expect.soft(result, type).toBe('failure')
  })
})

test('every member that PCI DSS 10.2.2 asks for is in what is written', () => {
  const actor = { kind: 'operator', id: newId('opr', systemClock) } as const
  const event = { type: 'operator.signed_out', operator: actor.id } as const
  const { body } = withOrigin({ listener: 'console', address: '192.0.2.1' }, () =>
    eventRow({ actor, event }, systemClock),
  )
  const written = JSON.parse(body) as Record<string, unknown>
  const members = pciFields.map(([, member]) => member).filter(member => !member.includes(' '))
  expect(members).toHaveLength(5)
  for (const member of members) expect(written).toHaveProperty(member)
  expect(written).toMatchObject({
    operator: actor.id,
    result: 'success',
    from: { listener: 'console', address: '192.0.2.1' },
  })
})
