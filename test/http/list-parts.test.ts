import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scan } from '../../src/card-data/index.ts'
import { readListCursor, writeListCursor } from '../../src/http/api/list/cursor.ts'
import { openTurns } from '../../src/http/api/list/turns.ts'
import type { MessageId } from '../../src/kernel/index.ts'

const ids = fc.stringMatching(/^msg_[0-9a-hjkmnp-tv-z]{26}$/).map(id => id as MessageId)
const times = fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })

describe('a cursor', () => {
  test('leads back to its place, and is never taken for a card number', () => {
    fc.assert(
      fc.property(ids, times, (id, acceptedAt) => {
        const cursor = writeListCursor({ id, acceptedAt })
        expect(readListCursor(cursor)).toEqual({ id, acceptedAt })
        expect(cursor).toMatch(/^[a-p]+$/)
      }),
    )
    // An id that is one for certain.
    const card = { id: 'msg_41111111111111111111111111' as MessageId, acceptedAt: new Date(4111111111111) }
    const { pans, sad } = scan(Buffer.from(`/v1/messages?cursor=${writeListCursor(card)}`))
    expect([...pans, ...sad]).toEqual([])
  })

  test('that we did not write is refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-p]*$/)), text => {
        try {
          expect(writeListCursor(readListCursor(text))).toBe(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' })
        }
      }),
    )
  })
})

describe('lists of one application', () => {
  test('come one after the other; another application does not wait for them', async () => {
    const inTurn = openTurns(8)
    const order: string[] = []
    const gate = Promise.withResolvers<undefined>()
    const first = inTurn('a', async () => {
      await gate.promise
      order.push('first')
      throw new Error('failed')
    })
    const second = inTurn('a', () => Promise.resolve(order.push('second')))
    await inTurn('b', () => Promise.resolve(order.push('other')))
    gate.resolve(undefined)
    await expect(first).rejects.toThrow('failed')
    await second
    expect(order).toEqual(['other', 'first', 'second'])
  })

  test('are refused when too many wait, until some are through', async () => {
    const inTurn = openTurns(2)
    const gate = Promise.withResolvers<undefined>()
    const waiting = [inTurn('a', () => gate.promise), inTurn('a', () => gate.promise)]
    await expect(inTurn('a', () => gate.promise)).rejects.toMatchObject({ code: 'too_many_requests' })
    gate.resolve(undefined)
    await Promise.all(waiting)
    await expect(inTurn('a', () => Promise.resolve('through'))).resolves.toBe('through')
  })
})
