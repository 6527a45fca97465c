import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { chromium as launcher } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stripMetadata } from '../../src/attachment-metadata/index.ts'
import { attempt, openWorkplace, run, type Workplace } from './run.ts'

const secret = 'Jane-Canary'
let place: Workplace

beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place[Symbol.asyncDispose]())

const at = (name: string): string => join(place.path, name)
const convert = (...args: string[]): Promise<unknown> => run('/usr/bin/convert', args)
const exiftool = async (...args: string[]): Promise<string> => (await run('exiftool', args)).output.toString()

/** Strips a file and writes it beside the original. */
async function strip(name: string): Promise<string> {
  const stripped = stripMetadata(await readFile(at(name)), name, 'application/octet-stream')
  if (stripped === undefined) throw new Error(`${name} was not understood`)
  return place.file(`stripped-${name}`, stripped)
}

/** What exiftool finds beside the form of the picture: nobody, nothing, nowhere. */
const written = [
  '-Artist',
  '-Author',
  '-Creator',
  '-Copyright',
  '-Title',
  '-Comment',
  '-Keywords',
  '-GPSLatitude',
  '-By-line',
  '-Software',
  '-CreateDate',
  '-DateTimeOriginal',
  '-ThumbnailImage',
  '-XMP:all',
  '-IPTC:all',
  '-Make',
  '-SerialNumber',
  '-Producer',
  '-ModifyDate',
  '-DocumentID',
]

describe.each([
  [
    'jpg',
    [
      '-Artist',
      '-XMP:Creator',
      '-IPTC:By-line',
      '-Comment',
      '-GPSLatitude#=48.2',
      '-Make',
      '-Orientation#=6',
    ],
  ],
  ['progressive.jpg', ['-Artist', '-XMP:Creator', '-Comment', '-Orientation#=3']],
  ['png', ['-Artist', '-XMP:Creator', '-PNG:Author', '-PNG:Comment', '-EXIF:Make']],
  ['gif', ['-XMP:Creator', '-Comment']],
  ['webp', ['-Artist', '-XMP:Creator', '-EXIF:Make', '-Orientation#=8']],
])('a picture by ImageMagick, described by exiftool: %s', (ending, tags) => {
  const name = `a.${ending}`

  beforeAll(async () => {
    const progressive = ending.startsWith('progressive') ? ['-interlace', 'Plane'] : []
    const frames =
      ending === 'gif'
        ? ['-size', '40x30', 'xc:red', 'gradient:blue-white', '-loop', '0']
        : ['-size', '40x30', 'plasma:red-blue']
    await convert(...frames, ...progressive, at(name))
    await exiftool(
      '-q',
      '-overwrite_original',
      ...tags.map(tag => (tag.includes('=') ? tag : `${tag}=${secret}`)),
      at(name),
    )
  })

  test('exiftool finds nothing of it any more', async () => {
    expect(await exiftool('-a', at(name))).toContain(secret)
    const stripped = await strip(name)
    expect(await exiftool('-s3', ...written, stripped)).toBe('')
    expect((await readFile(stripped)).includes(secret)).toBe(false)
    // Exif asks for tags beside the one that is left; nobody needs them.
    const complaints = (await exiftool('-a', '-warning', '-validate', '-s3', stripped)).split('\n')
    expect(
      complaints.filter(each => !/^$|^OK$|^4 Warnings$|^Missing required JPEG IFD0 tag/.test(each)),
    ).toEqual([])
  })

  test('it looks as it did: the same pixels, the same way up, the same frames', async () => {
    const stripped = await strip(name)
    const looks = (file: string) => run('/usr/bin/identify', ['-format', '%#%w%h%[orientation]%T\n', file])
    expect((await looks(stripped)).output.toString()).toBe((await looks(at(name))).output.toString())
    expect(await exiftool('-s3', '-Orientation#', stripped)).toBe(
      await exiftool('-s3', '-Orientation#', at(name)),
    )
  })
})

describe('a PDF that a browser printed', () => {
  beforeAll(async () => {
    await convert('-size', '40x30', 'plasma:red-blue', at('photograph.jpg'))
    await exiftool('-q', '-overwrite_original', `-Artist=${secret}`, at('photograph.jpg'))
    const photograph = (await readFile(at('photograph.jpg'))).toString('base64')
    const browser = await launcher.launch({
      executablePath: await chromium.executablePath(),
      args: chromium.args,
    })
    const page = await browser.newPage()
    await page.setContent(
      `<title>${secret}</title><h1>Chargeback</h1><p>Card 4111 1111 1111 1111 <a href="https://a.example">link</a></p><img src="data:image/jpeg;base64,${photograph}">`,
    )
    await place.file('printed.pdf', await page.pdf({ tagged: true, outline: true }))
    await browser.close()
    await exiftool(
      '-q',
      '-o',
      at('plain.pdf'),
      `-Author=${secret}`,
      `-XMP:Creator=${secret}`,
      at('printed.pdf'),
    )
    for (const [name, ...how] of [
      ['packed.pdf', '--object-streams=generate'],
      ['linear.pdf', '--linearize'],
      ['unpacked.pdf', '--qdf', '--object-streams=disable'],
    ])
      await run('qpdf', [...how, at('plain.pdf'), at(name ?? '')])
  }, 120_000)

  test.each(['printed.pdf', 'plain.pdf', 'packed.pdf', 'linear.pdf', 'unpacked.pdf'])(
    '%s: qpdf finds it whole, nobody finds who made it, and it looks as it did',
    async name => {
      const stripped = await strip(name)
      expect((await attempt('qpdf', ['--check', stripped])).status).toBe(0)
      expect(await exiftool('-s3', ...written, stripped)).toBe('')
      const information = (await run('pdfinfo', [stripped])).output.toString()
      expect(information).not.toMatch(/Title|Author|Creator|Producer|Date/)
      // Also not in what is packed.
      await run('qpdf', ['--qdf', stripped, at('looked-through.pdf')])
      expect((await readFile(at('looked-through.pdf'))).includes(secret)).toBe(false)
      const text = async (file: string) => (await run('pdftotext', [file, '-'])).output.toString()
      expect(await text(stripped)).toContain('4111 1111 1111 1111')
      const shown = async (file: string) => (await run('pdftoppm', ['-r', '60', file])).output
      expect((await shown(stripped)).equals(await shown(at(name)))).toBe(true)
    },
  )

  test('one that qpdf encrypted is not understood', async () => {
    await run('qpdf', ['--encrypt', '', 'owner', '256', '--', at('plain.pdf'), at('encrypted.pdf')])
    expect(stripMetadata(await readFile(at('encrypted.pdf')), '', '')).toBeUndefined()
  })

  test('one with a file in it is not understood', async () => {
    await run('qpdf', [at('plain.pdf'), '--add-attachment', at('photograph.jpg'), '--', at('with-file.pdf')])
    expect(stripMetadata(await readFile(at('with-file.pdf')), '', '')).toBeUndefined()
  })
})

test('documents by python-docx, openpyxl and odfpy open as before, and name nobody', async () => {
  const script = join(import.meta.dirname, 'office-documents.py')
  await convert('-size', '40x30', 'plasma:red-blue', at('picture.jpg'))
  await exiftool('-q', '-overwrite_original', `-Artist=${secret}`, at('picture.jpg'))
  await run('/usr/bin/python3', [script, 'make', place.path, at('picture.jpg'), secret])
  for (const name of ['a.docx', 'a.xlsx', 'a.odt']) {
    const holds = async (file: string) => (await run('unzip', ['-p', file])).output.includes(secret)
    expect(await holds(at(name))).toBe(true)
    const stripped = await strip(name)
    await run('unzip', ['-tq', stripped])
    expect(await holds(stripped)).toBe(false)
    await place.file(name, await readFile(stripped))
  }
  const opened = await run('/usr/bin/python3', [script, 'open', place.path, at('picture.jpg'), secret])
  expect(opened.output.toString()).toBe('opened\n')
})
