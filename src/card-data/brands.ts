import creditCardType from 'credit-card-type'
import { passesLuhn } from './luhn.ts'

interface Range {
  /** The first eight digits of a number of the range lie between these. */
  readonly from: number
  readonly to: number
  readonly brand: string
  readonly lengths: ReadonlySet<number>
  /** Whether each number of the range has a check digit. */
  readonly luhn: boolean
  /** Digits that the range is given by: the more, the more specific. */
  readonly width: number
}

type Pattern = number | readonly number[]

/**
 * What the table of credit-card-type lacks: older lengths, and schemes of single countries and of airlines. Of UnionPay and
 * T-Union there are cards whose last digit is no check digit.
 */
const more: readonly (readonly [
  brand: string,
  patterns: readonly Pattern[],
  lengths: readonly number[],
  luhn?: 'no luhn',
])[] = [
  ['visa', [4], [13]],
  ['unionpay', [62, [8100, 8171]], [16, 17, 18, 19], 'no luhn'],
  ['t-union', [31], [19], 'no luhn'],
  ['rupay', [60, 65, 81, 82, 508, 353, 356], [16]],
  ['troy', [9792, 65], [16]],
  [
    'verve',
    [
      [506099, 506198],
      [650002, 650027],
      [507865, 507964],
    ],
    [16, 18, 19],
  ],
  ['discover', [6011, [622126, 622925], [644, 649], 65], [17, 18]],
  ['diners-club', [[300, 305], 3095, 36, 38, 39], [15, 17, 18]],
  ['uatp', [1], [15]],
  ['dankort', [5019, 4571], [16]],
  ['interpayment', [636], [16, 17, 18, 19]],
  ['instapayment', [[637, 639]], [16]],
  ['lankapay', [357111], [16], 'no luhn'],
  ['uzcard', [8600, 5614], [16]],
  ['humo', [9860], [16]],
  ['borica', [2205], [16]],
]

const byFirstFour: (readonly Range[])[] = table()

/** The brand of these digits, if they can be a card number: range, length and check digit fit. */
export function brandOf(digits: Uint8Array, start: number, length: number): string | undefined {
  const head = leading(digits, start, 4)
  const ranges = byFirstFour[head] as readonly Range[]
  if (ranges.length === 0) return undefined
  const eight = leading(digits, start, 8)
  let checked: boolean | undefined
  for (const { from, to, lengths, luhn, brand } of ranges) {
    if (eight < from || eight > to || !lengths.has(length)) continue
    if (!luhn) return brand
    checked ??= passesLuhn(digits, start, length)
    if (checked) return brand
  }
  return undefined
}

/** Whether a card number of any brand begins like these digits. Reads four, whatever they belong to. */
export function mayBegin(digits: Uint8Array, start: number): boolean {
  return (byFirstFour[leading(digits, start, 4)] as readonly Range[]).length > 0
}

function leading(digits: Uint8Array, start: number, count: number): number {
  let value = 0
  for (let i = start; i < start + count; i++) value = value * 10 + (digits[i] as number)
  return value
}

function table(): (readonly Range[])[] {
  const ranges = [
    ...Object.values(creditCardType.types).flatMap(type => {
      const { patterns, lengths } = creditCardType.getTypeInfo(type)
      return patterns.map(pattern => rangeOf(type, pattern, lengths, type !== 'unionpay'))
    }),
    ...more.flatMap(([brand, patterns, lengths, luhn]) =>
      patterns.map(pattern => rangeOf(brand, pattern, lengths, luhn === undefined)),
    ),
  ].toSorted((a, b) => b.width - a.width)
  const byHead = Array.from({ length: 10_000 }, (): Range[] => [])
  for (const range of ranges) {
    const last = Math.floor(range.to / 10_000)
    for (let head = Math.floor(range.from / 10_000); head <= last; head++) byHead[head]?.push(range)
  }
  return byHead
}

function rangeOf(brand: string, pattern: Pattern, lengths: readonly number[], luhn: boolean): Range {
  const [low, high] = typeof pattern === 'number' ? [pattern, pattern] : [pattern[0] ?? 0, pattern[1] ?? 0]
  const width = String(low).length
  const scale = 10 ** (8 - width)
  // Without a check digit, a short number says too little.
  const usable = luhn ? lengths : lengths.filter(length => length >= 16)
  return { brand, from: low * scale, to: (high + 1) * scale - 1, lengths: new Set(usable), luhn, width }
}
