import { expect, test } from 'vitest'
import { dataPositions, functionModules, isMasked, type Modules, multiply, qrModules } from './qr'

/** Blocks at level M by version: their count, and error correction codewords of each. */
const LAYOUT: Record<number, [blocks: number, ecc: number]> = {
  1: [1, 10],
  5: [2, 24],
  8: [4, 22],
  10: [5, 26],
  15: [10, 24],
}

/** The data codewords and whether all error correction is right: a reader without correction. */
function read(modules: Modules): { bytes: number[]; isValid: boolean } {
  const size = modules.length
  const version = (size - 17) / 4
  const format = [0, 1, 2, 3, 4, 5, 7, 8].map((y) => modules[y]?.[8])
  const high = [7, 5, 4, 3, 2, 1, 0].map((x) => modules[8]?.[x])
  const bits = [...format, ...high].reduce((value, dark, nth) => value | (Number(dark) << nth), 0)
  const mask = ((bits ^ 0x5412) >> 10) & 7
  const fixed = functionModules(version, mask)
  const stream: number[] = []
  for (const [x, y] of dataPositions(size)) {
    if (fixed[y]?.[x] === undefined) stream.push(Number(modules[y]?.[x] !== isMasked(mask, x, y)))
  }
  const codewords = Array.from({ length: stream.length >> 3 }, (_, nth) =>
    stream.slice(8 * nth, 8 * nth + 8).reduce((byte, bit) => 2 * byte + bit, 0),
  )
  const [count, ecc] = LAYOUT[version] ?? [1, 1]
  const total = codewords.length - count * ecc
  const blocks = deinterleave(codewords.slice(0, total), count)
  const corrections = deinterleave(codewords.slice(total), count)
  const isValid = blocks.every((block, nth) =>
    isCodeword([...block, ...(corrections[nth] ?? [])], ecc),
  )
  return { bytes: blocks.flat(), isValid }
}

function deinterleave(codewords: readonly number[], count: number): number[][] {
  const short = Math.floor(codewords.length / count)
  const blocks: number[][] = Array.from({ length: count }, () => [])
  codewords.slice(0, short * count).forEach((byte, nth) => {
    blocks[nth % count]?.push(byte)
  })
  codewords.slice(short * count).forEach((byte, nth) => {
    blocks[count - (codewords.length % count) + nth]?.push(byte)
  })
  return blocks
}

/** A block of a Reed-Solomon code is 0 at the first powers of 2. */
function isCodeword(block: readonly number[], ecc: number): boolean {
  let root = 1
  for (let power = 0; power < ecc; power += 1) {
    if (block.reduce((value, byte) => multiply(value, root) ^ byte, 0) !== 0) return false
    root = multiply(root, 2)
  }
  return true
}

function textOf(bytes: readonly number[], version: number): string {
  const bits = bytes.flatMap((byte) => [...byte.toString(2).padStart(8, '0')].map(Number))
  const number = (from: number, count: number) =>
    bits.slice(from, from + count).reduce((value, bit) => 2 * value + bit, 0)
  expect(number(0, 4)).toBe(4)
  const counter = version < 10 ? 8 : 16
  const length = number(4, counter)
  const content = Array.from({ length }, (_, nth) => number(4 + counter + 8 * nth, 8))
  return new TextDecoder().decode(Uint8Array.from(content))
}

const URI =
  'otpauth://totp/Plant%20Cockpit:asha?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' +
  '&issuer=Plant%20Cockpit&algorithm=SHA1&digits=6&period=30'

test.each([
  ['HELLO', 1],
  ['ü'.repeat(40), 5],
  [URI, 8],
  ['a'.repeat(190), 10],
  ['x'.repeat(400), 15],
])('%s is read back from version %s', (text, version) => {
  const modules = qrModules(text)
  expect(modules.length).toBe(4 * version + 17)
  const { bytes, isValid } = read(modules)
  expect(isValid).toBe(true)
  expect(textOf(bytes, version)).toBe(text)
})

test('a damaged module is not a valid block', () => {
  const modules = qrModules('HELLO')
  const row = modules[15] ?? []
  row[15] = !row[15]
  expect(read(modules).isValid).toBe(false)
})

test('a text that is too long is an error', () => {
  expect(() => qrModules('x'.repeat(460))).toThrow(RangeError)
})
