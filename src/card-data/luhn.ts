const doubled = Uint8Array.of(0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

/** Whether `length` digits (values 0 to 9) from `start` on end in the right check digit (ISO/IEC 7812-1 annex B). */
export function passesLuhn(digits: Uint8Array, start: number, length: number): boolean {
  let sum = 0
  for (let i = start + length - 1, second = false; i >= start; i--, second = !second) {
    const digit = digits[i] as number
    sum += second ? (doubled[digit] as number) : digit
  }
  return sum % 10 === 0
}
