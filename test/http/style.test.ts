import { expect, test } from 'vitest'
import { style } from '../../src/http/page/style.ts'

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/g, '$&$&') : colour
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

const [light = '', dark = ''] = style.split('prefers-color-scheme:dark').map(half => half.slice(0, 400))

test.each([
  ['light', light],
  ['dark', dark],
])(
  'in the %s scheme every text has a contrast of 4.5 to 1, and borders of fields 3 to 1',
  (_name, scheme) => {
    const colours = new Map(
      [...scheme.matchAll(/--([a-z-]+):(#[0-9a-f]{3,6})/g)].map(([, name, hex]) => [name, hex]),
    )
    const colour = (name: string): string => {
      const hex = colours.get(name)
      if (hex === undefined) throw new Error(`no ${name}`)
      return hex
    }
    for (const ground of ['ground', 'card']) {
      for (const text of ['text', 'soft', 'accent', 'bad']) {
        expect(contrast(colour(text), colour(ground)), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5)
      }
      for (const mark of ['soft', 'good', 'warn']) {
        expect(contrast(colour(mark), colour(ground)), `${mark} on ${ground}`).toBeGreaterThanOrEqual(3)
      }
    }
    expect(contrast(colour('on-accent'), colour('accent'))).toBeGreaterThanOrEqual(4.5)
  },
)
