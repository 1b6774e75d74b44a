/** Number formats: Indian digit grouping, a typographic minus, units last. The same in all languages. */
import { t } from './i18n'

const LOCALE = 'en-IN'
const MINUS = '\u2212'
export const NONE = '\u2013'

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })
const fixed = new Map<number, Intl.NumberFormat>()

function withDigits(digits: number): Intl.NumberFormat {
  let format = fixed.get(digits)
  if (!format) {
    format = new Intl.NumberFormat(LOCALE, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    })
    fixed.set(digits, format)
  }
  return format
}

function withMinus(text: string): string {
  return text === '-0' ? '0' : text.replace('-', MINUS)
}

/** A whole number: 1,23,456. */
export function int(value: number | null | undefined): string {
  return value == null ? NONE : withMinus(whole.format(value))
}

/** A number with a fixed count of decimal digits. */
export function dec(value: number | null | undefined, digits: number): string {
  return value == null ? NONE : withMinus(withDigits(digits).format(value))
}

/** A quantity: an integer if it is one, else up to four decimal digits, the precision of the lake. */
export function quantity(value: number | null | undefined): string {
  if (value == null) return NONE
  if (Number.isInteger(value)) return int(value)
  return dec(value, 4).replace(/0+$/, '')
}

/** A quantity for a headline: a whole number from 100 on, where decimals do not matter to a reader. */
export function headline(value: number | null | undefined): string {
  if (value == null) return NONE
  return Math.abs(value) >= HEADLINE_WHOLE_FROM ? int(Math.round(value)) : quantity(value)
}

const HEADLINE_WHOLE_FROM = 100

/** A difference, always with its sign. */
export function signed(value: number | null | undefined): string {
  if (value == null) return NONE
  return value > 0 ? `+${int(value)}` : int(value)
}

/** Part of whole in percent; null if the whole is 0. */
export function percent(part: number, whole: number, digits = 1): string | null {
  return whole === 0 ? null : `${dec((100 * part) / whole, digits)} %`
}

/** Rupees with the customary unit: 93.81 crore, 4.20 lakh, 812. */
export function rupees(value: number): { figure: string; unit: string } {
  const size = Math.abs(value)
  if (size >= 1e7) return { figure: dec(value / 1e7, 2), unit: t('unit.crore') }
  if (size >= 1e5) return { figure: dec(value / 1e5, 2), unit: t('unit.lakh') }
  return { figure: int(value), unit: '' }
}

/** Bytes with at most three significant digits: 812 B, 14.2 KB, 5.31 MB. */
export function bytes(value: number | null | undefined): string {
  if (value == null) return NONE
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let size = value
  let step = 0
  while (size >= 1000 && step < units.length - 1) {
    size /= 1000
    step += 1
  }
  const digits = step === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2
  return `${dec(size, digits)} ${units[step]}`
}

/** The exact sum of decimals with at most `digits` decimal digits. */
export function sum(values: Iterable<number | null | undefined>, digits = 0): number {
  const scale = 10 ** digits
  let total = 0
  for (const value of values) total += Math.round((value ?? 0) * scale)
  return total / scale
}

/** Round axis ticks: at most `count` steps that cover 0..max. */
export function ticks(max: number, count: number): number[] {
  if (max <= 0) return [0]
  const rough = max / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough
  const whole = Math.max(step, 1)
  const marks = [0]
  for (let mark = whole; mark < max + whole; mark += whole) marks.push(mark)
  return marks
}

/** Round marks between two values, at most `count`, and the decimal digits that they need. */
export function roundMarks(
  low: number,
  high: number,
  count: number,
): { marks: number[]; digits: number } {
  const span = Math.max(high - low, Number.EPSILON)
  const power = 10 ** Math.floor(Math.log10(span / count))
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => span / one <= count) ?? 10 * power
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const marks: number[] = []
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) {
    marks.push(Number((n * step).toFixed(digits)))
  }
  return { marks, digits }
}
