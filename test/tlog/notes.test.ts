import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  cosign,
  formatCheckpoint,
  formatVerifier,
  noteSigner,
  openNote,
  parseCheckpoint,
  parseVerifier,
  signNote,
  verifyCosignature,
} from '../../src/tlog/index.ts'

// The examples of golang.org/x/mod/sumdb/note.
const peterLine = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const peterSecret = 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const enochLine = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
const text =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const byPeter =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
const byEnoch =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n'
const [peter, enoch] = [parseVerifier(peterLine), parseVerifier(enochLine)]

const malformed = expect.objectContaining({ code: 'note_malformed' }) as Error

describe('a verifier key', () => {
  test('is read and written as it was', () => {
    expect(formatVerifier(peter)).toBe(peterLine)
    expect(peter).toMatchObject({ name: 'PeterNeumann', kind: 'note', id: 0xc74f20a3 })
  })

  test('is refused in part, and with any character changed', () => {
    const parts = Array.from({ length: peterLine.length }, (_, at) => [
      peterLine.slice(at + 1),
      peterLine.slice(0, at),
    ])
    const changed = Array.from(peterLine, (character, at) => {
      const next = String.fromCharCode(character.charCodeAt(0) + 1)
      return peterLine.slice(0, at) + next + peterLine.slice(at + 1)
    })
    for (const line of [...parts.flat(), ...changed])
      expect(() => parseVerifier(line), line).toThrow(expect.objectContaining({ code: 'key_malformed' }))
  })

  test.each([
    ['of a wrong length', 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=='],
    ['of an unknown kind', 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
    ['with a short id', 'rekor.sigstore.dev+0+AwEB'],
  ])('%s is refused', (_, line) => {
    expect(() => parseVerifier(line)).toThrow(expect.objectContaining({ code: 'key_malformed' }))
  })

  test.each(['', 'two words', 'a+b', 'a\u2003b', 'a\u0085b', 'a\u0001b'])('cannot be named %j', name => {
    expect(() => noteSigner(name, generate())).toThrow(expect.objectContaining({ code: 'key_malformed' }))
  })

  test('is Ed25519', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    expect(() => noteSigner('a', privateKey)).toThrow(expect.objectContaining({ code: 'key_malformed' }))
  })
})

describe('a note', () => {
  test('is signed as Go signs it', () => {
    const seed = Buffer.from(peterSecret, 'base64').subarray(1)
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    const signer = noteSigner('PeterNeumann', createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    expect(formatVerifier(signer.verifier)).toBe(peterLine)
    expect(signNote(text, signer)).toBe(`${text}\n${byPeter}`)
    expect(() => signNote('abc', signer)).toThrow(malformed)
    expect(() => signNote('a\tb\n', signer)).toThrow(malformed)
  })

  test('opens by one key or by both; an unknown one counts for nothing', () => {
    const note = `${text}\n${byPeter}${byEnoch}`
    expect(openNote(note, [peter])).toMatchObject({ text, signatures: [{ verifier: peter }] })
    expect(openNote(note, [enoch, peter]).signatures.map(({ verifier }) => verifier)).toEqual([peter, enoch])
    expect(openNote(Buffer.from(note), [enoch]).text).toBe(text)
    expect(() => openNote(note, [])).toThrow(expect.objectContaining({ code: 'signature_missing' }))
    expect(() => openNote(`${text}\n${byEnoch}`, [peter])).toThrow(
      expect.objectContaining({ code: 'signature_missing' }),
    )
  })

  test('of the checksum database of Go opens', () => {
    const golang = parseVerifier('sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8')
    const note =
      'go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n' +
      '— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n'
    expect(parseCheckpoint(openNote(note, [golang]).text)).toMatchObject({
      origin: 'go.sum database tree',
      size: 6_476_701,
    })
    expect(() => openNote(note.replace('6476701', '6476702'), [golang])).toThrow(
      expect.objectContaining({ code: 'signature_wrong' }),
    )
  })

  test('with a wrong signature of a known key is refused, whoever else signed', () => {
    const wrong = `${byPeter.slice(0, 60)}ABCD${byPeter.slice(64)}`
    expect(() => openNote(`${text}\n${byEnoch}${wrong}`, [peter, enoch])).toThrow(
      expect.objectContaining({ code: 'signature_wrong' }),
    )
  })

  test.each([
    ['no signature', text],
    ['an empty one', `${text}\n`],
    ['a line that does not end', `${text}\n${byPeter.slice(0, -1)}`],
    ['a control character', `\u0001${text}\n${byPeter}`],
    ['a carriage return', `${text}\n${byPeter.replace('\n', '\r\n')}`],
    ['a name of two words', `${text}\n${byPeter.replace('PeterNeumann', 'Peter Neumann')}`],
    ['another line among the signatures', `${text}\n${byPeter}Unexpected line.\n`],
    ['base64 that is written otherwise', `${text}\n${byPeter.replace('nAM=', 'nAN=')}`],
    ['a hundred signatures', `${text}\n${byPeter.repeat(100)}`],
    ['a lone surrogate', `\ud800${text}\n${byPeter}`],
  ])('with %s is malformed', (_, note) => {
    expect(() => openNote(note, [peter])).toThrow(malformed)
  })

  test('that is no UTF-8 is malformed', () => {
    const note = Buffer.concat([Uint8Array.of(0xff), Buffer.from(`${text}\n${byPeter}`)])
    expect(() => openNote(note, [peter])).toThrow(malformed)
  })

  test('may have empty lines: the last one ends the text', () => {
    const signer = noteSigner('a', generate())
    const note = signNote('one\n\ntwo\n', signer)
    expect(openNote(note, [signer.verifier]).text).toBe('one\n\ntwo\n')
  })
})

describe('a checkpoint', () => {
  const root = Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64')
  const example = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'

  test('is written as the specification writes it', () => {
    const head = { origin: 'example.com/behind-the-sofa', size: 20_852_163, root }
    expect(formatCheckpoint(head)).toBe(example)
    expect(parseCheckpoint(example)).toEqual(head)
    expect(parseCheckpoint(`${example}extension\n`)).toEqual(head)
  })

  test.each([
    example.replace('20852163', '020852163'),
    example.replace('20852163', '-1'),
    example.replace('20852163', '9007199254740993'),
    example.replace('20852163', '1e3'),
    example.replace('q2I=', 'q2J='),
    example.replace('CsUY', ''),
    example.replace('example.com/behind-the-sofa', ''),
    example.slice(0, -1),
    `${example}\n`,
    '',
  ])('%j is none', wrong => {
    expect(() => parseCheckpoint(wrong)).toThrow(expect.objectContaining({ code: 'checkpoint_malformed' }))
  })

  test('of no log, or with a root of another length, is not made', () => {
    for (const head of [
      { origin: 'a\nb', size: 1, root },
      { origin: 'a', size: 0.5, root },
      { origin: 'a', size: 1, root: root.subarray(1) },
    ])
      expect(() => formatCheckpoint(head)).toThrow(expect.objectContaining({ code: 'checkpoint_malformed' }))
  })
})

describe('a cosignature', () => {
  // A checkpoint of a log of certificates, from the net: signed twice by the log, cosigned by witnesses.
  const origin = 'arche2025h1.staging.ct.transparency.dev'
  const lines = [
    `— ${origin} zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n`,
    `— ${origin} ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n`,
    '— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n',
  ] as const
  const head = `${origin}\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n`
  const note = `${head}\n${lines.join('')}`
  const log = parseVerifier(`${origin}+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f`)
  const remora = parseVerifier('remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2')
  const time = 0x6a_12_21_20

  test('of a real witness verifies, with its time', () => {
    expect(remora.kind).toBe('cosignature')
    expect(verifyCosignature(lines[2], note, remora)).toBe(time)
    expect(openNote(note, [log, remora]).signatures).toEqual([
      { verifier: log, time: undefined },
      { verifier: remora, time },
    ])
  })

  test('counts for no other checkpoint, time or witness', () => {
    const later = Buffer.from(lines[2].split(' ')[2] ?? '', 'base64')
    later.writeUInt8(0x21, 11)
    expect(verifyCosignature(lines[2], note.replace('1432088532', '1432088533'), remora)).toBeUndefined()
    expect(verifyCosignature(`— remora.n621.de ${later.toString('base64')}\n`, note, remora)).toBeUndefined()
    expect(verifyCosignature(lines[1], note, remora)).toBeUndefined()
    expect(verifyCosignature(lines[2], note, log)).toBeUndefined()
    expect(verifyCosignature('nonsense', note, remora)).toBeUndefined()
  })

  test('is made of a signed note, and belongs at its end', () => {
    const [signer, witness] = [
      noteSigner('log.test/log', generate()),
      noteSigner('witness.test/w', generate(), 'cosignature'),
    ]
    const signed = signNote(
      formatCheckpoint({ origin: 'log.test/log', size: 5, root: Buffer.alloc(32) }),
      signer,
    )
    const line = cosign(signed, 1_700_000_000, witness)
    expect(verifyCosignature(line, signed, witness.verifier)).toBe(1_700_000_000)
    const both = openNote(signed + line, [witness.verifier, signer.verifier])
    expect(both.signatures.map(({ time: at }) => at)).toEqual([undefined, 1_700_000_000])
    expect(parseVerifier(formatVerifier(witness.verifier))).toMatchObject({
      kind: 'cosignature',
      id: witness.verifier.id,
    })
  })

  test('and a signature are never taken for each other', () => {
    const key = generate()
    const [signer, witness] = [noteSigner('a', key), noteSigner('a', key, 'cosignature')]
    expect(() => cosign(note, 1, signer)).toThrow(expect.objectContaining({ code: 'key_malformed' }))
    expect(() => signNote(head, witness)).toThrow(expect.objectContaining({ code: 'key_malformed' }))
    expect(witness.verifier.id).not.toBe(signer.verifier.id)
  })
})

function generate(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey
}
