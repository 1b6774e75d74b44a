/**
 * QR codes (ISO/IEC 18004) of bytes at error correction level M, for texts of up to 409 bytes.
 * A code is a square of modules; true is dark.
 */

/** Largest version (size) that is supported. */
const VERSION_MAX = 16
/** Error correction codewords per block, and blocks, by version at level M. Index 0 is unused. */
const ECC_PER_BLOCK = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28]
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10]
/** Format bits of level M. */
const LEVEL_BITS = 0
const BYTE_MODE = 4

export type Modules = boolean[][]

/** The modules of a text. Throws a RangeError if the text is too long. */
export function qrModules(text: string): Modules {
  const bytes = new TextEncoder().encode(text)
  const version = smallestVersion(bytes.length)
  const codewords = withErrorCorrection(dataCodewords(bytes, version), version)
  const drawn = Array.from({ length: 8 }, (_, mask) => draw(codewords, version, mask))
  return drawn.reduce((best, one) => (penalty(one) < penalty(best) ? one : best))
}

const sizeOf = (version: number): number => 4 * version + 17
const countBits = (version: number): number => (version < 10 ? 8 : 16)

/** Modules for data and error correction, without patterns, format and version. */
function rawBits(version: number): number {
  let bits = (16 * version + 128) * version + 64
  if (version >= 2) {
    const count = Math.floor(version / 7) + 2
    bits -= (25 * count - 10) * count - 55
    if (version >= 7) bits -= 36
  }
  return bits
}

function dataBytes(version: number): number {
  const ecc = (ECC_PER_BLOCK[version] ?? 0) * (BLOCKS[version] ?? 0)
  return Math.floor(rawBits(version) / 8) - ecc
}

function smallestVersion(length: number): number {
  for (let version = 1; version <= VERSION_MAX; version += 1) {
    if (4 + countBits(version) + 8 * length <= 8 * dataBytes(version)) return version
  }
  throw new RangeError(`${length} bytes do not fit into a QR code`)
}

function dataCodewords(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = []
  const add = (value: number, count: number) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1)
  }
  add(BYTE_MODE, 4)
  add(bytes.length, countBits(version))
  for (const byte of bytes) add(byte, 8)
  const capacity = 8 * dataBytes(version)
  add(0, Math.min(4, capacity - bits.length))
  add(0, (8 - (bits.length % 8)) % 8)
  for (let pad = 0xec; bits.length < capacity; pad ^= 0xec ^ 0x11) add(pad, 8)
  return Array.from({ length: bits.length / 8 }, (_, nth) =>
    bits.slice(8 * nth, 8 * nth + 8).reduce((byte, bit) => 2 * byte + bit, 0),
  )
}

/** Product in GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1. */
export function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d)
    if ((b >> bit) & 1) product ^= a
  }
  return product
}

/** Coefficients of the Reed-Solomon generator, highest power first, without the leading 1. */
function generator(degree: number): number[] {
  const result: number[] = Array(degree).fill(0)
  result[degree - 1] = 1
  let root = 1
  for (let step = 0; step < degree; step += 1) {
    for (let at = 0; at < degree; at += 1) {
      result[at] = multiply(result[at] ?? 0, root) ^ (result[at + 1] ?? 0)
    }
    root = multiply(root, 2)
  }
  return result
}

function remainder(data: readonly number[], divisor: readonly number[]): number[] {
  const result: number[] = Array(divisor.length).fill(0)
  for (const byte of data) {
    const factor = byte ^ (result.shift() ?? 0)
    result.push(0)
    divisor.forEach((coefficient, at) => {
      result[at] = (result[at] ?? 0) ^ multiply(coefficient, factor)
    })
  }
  return result
}

/** Splits the data into blocks, appends their error correction, and interleaves all blocks. */
function withErrorCorrection(data: readonly number[], version: number): number[] {
  const count = BLOCKS[version] ?? 1
  const divisor = generator(ECC_PER_BLOCK[version] ?? 0)
  const short = Math.floor(data.length / count)
  const longFrom = count - (data.length % count)
  const blocks: number[][] = []
  for (let nth = 0, from = 0; nth < count; nth += 1) {
    const length = short + (nth >= longFrom ? 1 : 0)
    blocks.push(data.slice(from, from + length))
    from += length
  }
  const corrections = blocks.map((block) => remainder(block, divisor))
  return [...interleave(blocks), ...interleave(corrections)]
}

function interleave(blocks: readonly number[][]): number[] {
  const longest = Math.max(...blocks.map((block) => block.length))
  return Array.from({ length: longest }, (_, at) =>
    blocks.flatMap((block) => (at < block.length ? [block[at] ?? 0] : [])),
  ).flat()
}

/** Centres of the alignment patterns on both axes. */
export function alignment(version: number): number[] {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const step = 2 * Math.ceil((4 * version + 4) / (2 * count - 2))
  const last = sizeOf(version) - 7
  const centres = Array.from({ length: count - 1 }, (_, nth) => last - nth * step)
  return [6, ...centres.reverse()]
}

/** Patterns that do not depend on the data; undefined where the data goes. */
export function functionModules(version: number, mask: number): (boolean | undefined)[][] {
  const size = sizeOf(version)
  const grid: (boolean | undefined)[][] = Array.from({ length: size }, () => Array(size))
  const set = (x: number, y: number, dark: boolean) => {
    const row = grid[y]
    if (row && x >= 0 && x < size) row[x] = dark
  }
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0)
    set(at, 6, at % 2 === 0)
  }
  drawFinders(size, set)
  drawAlignment(version, set)
  drawFormat(size, mask, set)
  if (version >= 7) drawVersion(size, version, set)
  return grid
}

type Set = (x: number, y: number, dark: boolean) => void

function drawFinders(size: number, set: Set): void {
  for (const [cx, cy] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ] as const) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy))
        set(cx + dx, cy + dy, ring !== 2 && ring !== 4)
      }
    }
  }
}

function drawAlignment(version: number, set: Set): void {
  const centres = alignment(version)
  const last = centres.length - 1
  centres.forEach((cy, row) => {
    centres.forEach((cx, column) => {
      const isFinder =
        (row === 0 && (column === 0 || column === last)) || (row === last && column === 0)
      if (isFinder) return
      for (let dy = -2; dy <= 2; dy += 1) {
        for (let dx = -2; dx <= 2; dx += 1) {
          set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1)
        }
      }
    })
  })
}

/** The value followed by its remainder for a BCH polynomial of a degree. */
function withBch(value: number, polynomial: number, degree: number): number {
  let rest = value
  for (let step = 0; step < degree; step += 1) {
    rest = (rest << 1) ^ ((rest >> (degree - 1)) * polynomial)
  }
  return (value << degree) | (rest & ((1 << degree) - 1))
}

function drawFormat(size: number, mask: number, set: Set): void {
  const bits = withBch((LEVEL_BITS << 3) | mask, 0x537, 10) ^ 0x5412
  const bit = (nth: number) => ((bits >> nth) & 1) === 1
  for (let nth = 0; nth < 15; nth += 1) {
    // The timing pattern between the finders is skipped.
    const [x, y] = nth < 8 ? [8, nth < 6 ? nth : nth + 1] : [nth === 8 ? 7 : 14 - nth, 8]
    set(x, y, bit(nth))
    if (nth < 8) set(size - 1 - nth, 8, bit(nth))
    else set(8, size - 15 + nth, bit(nth))
  }
  set(8, size - 8, true)
}

function drawVersion(size: number, version: number, set: Set): void {
  const bits = withBch(version, 0x1f25, 12)
  for (let nth = 0; nth < 18; nth += 1) {
    const dark = ((bits >> nth) & 1) === 1
    const far = size - 11 + (nth % 3)
    const near = Math.floor(nth / 3)
    set(far, near, dark)
    set(near, far, dark)
  }
}

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

export const isMasked = (mask: number, x: number, y: number): boolean =>
  MASKS[mask]?.(x, y) ?? false

/** Data modules in the order of the bits: pairs of columns from the right, alternately up and down. */
export function* dataPositions(size: number): Generator<[x: number, y: number]> {
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5
    for (let step = 0; step < size; step += 1) {
      const isUpward = ((right + 1) & 2) === 0
      const y = isUpward ? size - 1 - step : step
      yield [right, y]
      yield [right - 1, y]
    }
  }
}

function draw(codewords: readonly number[], version: number, mask: number): Modules {
  const grid = functionModules(version, mask)
  let nth = 0
  for (const [x, y] of dataPositions(grid.length)) {
    const row = grid[y]
    if (!row || row[x] !== undefined) continue
    const bit = ((codewords[nth >> 3] ?? 0) >> (7 - (nth & 7))) & 1
    row[x] = (bit === 1) !== isMasked(mask, x, y)
    nth += 1
  }
  return grid.map((row) => Array.from(row, (dark) => dark ?? false))
}

const FINDER_LIKE = [
  [true, false, true, true, true, false, true, false, false, false, false],
  [false, false, false, false, true, false, true, true, true, false, true],
]

/** How hard a code is to read: the mask with the lowest penalty is used. */
function penalty(modules: Modules): number {
  const columns = modules.map((_, x) => modules.map((row) => row[x] ?? false))
  let total = 0
  for (const line of [...modules, ...columns]) total += linePenalty(line)
  for (let y = 1; y < modules.length; y += 1) {
    for (let x = 1; x < modules.length; x += 1) {
      const dark = modules[y]?.[x]
      const isBlock =
        modules[y]?.[x - 1] === dark &&
        modules[y - 1]?.[x] === dark &&
        modules[y - 1]?.[x - 1] === dark
      if (isBlock) total += 3
    }
  }
  const darkCount = modules.flat().filter(Boolean).length
  const share = (100 * darkCount) / modules.length ** 2
  return total + 10 * Math.floor(Math.abs(share - 50) / 5)
}

function linePenalty(line: readonly boolean[]): number {
  let total = 0
  let run = 0
  for (let at = 0; at < line.length; at += 1) {
    run = at > 0 && line[at] === line[at - 1] ? run + 1 : 1
    if (run === 5) total += 3
    else if (run > 5) total += 1
    for (const pattern of FINDER_LIKE) {
      if (pattern.every((dark, offset) => line[at + offset] === dark)) total += 40
    }
  }
  return total
}
