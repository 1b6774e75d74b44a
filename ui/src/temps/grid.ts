/** Where the cells of the grid are, and how one is drawn. Pure, but for the canvas it is given. */
import type { State } from './temps'

export interface Box {
  title: string
  x: number
  y: number
  width: number
  height: number
}

export interface Cell {
  place: number
  x: number
  y: number
  /** Nth of the grid, and its box, for arrow keys. */
  nth: number
}

export interface Layout {
  boxes: Box[]
  cells: Cell[]
  size: number
  height: number
}

const SIZES = [64, 52, 44, 36, 28, 22, 18] as const
/** A grid is at most this high if its cells can be smaller. */
const HEIGHT_MOST = 520
export const TITLE_PX = 18
const GAP = 2
const APART = 10
const BOX_LEAST = 88

/** Sensors that stand in one box. */
export interface Group {
  title: string
  sensors: readonly { place: number }[]
}

/**
 * Boxes of the same width, from left to right and down. Of several ways to group the sensors the
 * first one stands whose cells are not too small to fit; if none fits, the last one.
 */
export function layout(ways: readonly (readonly Group[])[], width: number): Layout {
  let found: Layout = { boxes: [], cells: [], size: SIZES[0], height: 0 }
  for (const groups of ways) {
    for (const size of SIZES) {
      found = place(groups, width, size)
      if (found.height <= HEIGHT_MOST) return found
    }
  }
  return found
}

function place(groups: readonly Group[], width: number, size: number): Layout {
  const step = size + GAP
  const most = Math.max(1, ...groups.map((group) => group.sensors.length))
  const wanted = Math.max(Math.ceil(Math.sqrt(most * 1.8)), Math.floor(BOX_LEAST / step))
  const columns = Math.max(1, Math.min(wanted, Math.floor(width / step)))
  const boxWidth = Math.max(columns * step, BOX_LEAST)
  const across = Math.max(1, Math.floor((width + APART) / (boxWidth + APART)))
  const boxes: Box[] = []
  const cells: Cell[] = []
  let y = 0
  for (let first = 0; first < groups.length; first += across) {
    const row = groups.slice(first, first + across)
    const rows = Math.max(...row.map((group) => Math.ceil(group.sensors.length / columns)))
    const height = TITLE_PX + rows * step
    row.forEach((group, nth) => {
      const x = nth * (boxWidth + APART)
      boxes.push({ title: group.title, x, y, width: boxWidth, height })
      group.sensors.forEach((sensor, at) => {
        cells.push({
          place: sensor.place,
          x: x + (at % columns) * step,
          y: y + TITLE_PX + Math.floor(at / columns) * step,
          nth: cells.length,
        })
      })
    })
    y += height + APART
  }
  return { boxes, cells, size, height: Math.max(0, y - APART) }
}

export function cellAt(layout: Layout, x: number, y: number): Cell | undefined {
  const { size } = layout
  return layout.cells.find(
    (cell) => x >= cell.x && x < cell.x + size && y >= cell.y && y < cell.y + size,
  )
}

export type Way = 'left' | 'right' | 'up' | 'down'

/**
 * The next cell that way: left and right in reading order, up and down the nearest to `x` of a row, so
 * that who goes on past a short row comes back to their column.
 */
export function next(
  layout: Layout,
  from: Cell | undefined,
  way: Way,
  x = from?.x ?? 0,
): Cell | undefined {
  const { cells } = layout
  if (!from) return cells[0]
  if (way === 'left') return cells[from.nth - 1] ?? from
  if (way === 'right') return cells[from.nth + 1] ?? from
  const beyond = cells.filter((cell) => (way === 'up' ? cell.y < from.y : cell.y > from.y))
  let best: Cell | undefined
  let least = Number.POSITIVE_INFINITY
  for (const cell of beyond) {
    // A row further is always farther than any column.
    const distance = Math.abs(cell.y - from.y) * 1e4 + Math.abs(cell.x - x)
    if (distance < least) [best, least] = [cell, distance]
  }
  return best ?? from
}

export interface Ink {
  panel: string
  line: string
  text: string
  muted: string
  run: string
  accent: string
  call: string
  onCall: string
  font: string
  /** From cool to hot. */
  ramp: { fill: string; text: string }[]
}

const STEPS = 12

/** The colours in force; asked again when the theme changes. */
export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element)
  const of = (name: string) => style.getPropertyValue(name).trim()
  const [cool, hot, text, panel] = [of('--cool'), of('--hot'), of('--text'), of('--panel')]
  const ramp = Array.from({ length: STEPS + 1 }, (_, step) => {
    const fill = mix(cool, hot, step / STEPS)
    return { fill, text: distance(fill, text) > distance(fill, panel) ? text : panel }
  })
  return {
    panel,
    line: of('--line'),
    text,
    muted: of('--muted'),
    run: of('--run'),
    accent: of('--accent'),
    call: of('--call'),
    onCall: of('--on-call'),
    font: of('--font'),
    ramp,
  }
}

function rgb(colour: string): [number, number, number] {
  const number = Number.parseInt(colour.slice(1), 16)
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255]
}

function mix(one: string, other: string, part: number): string {
  const [from, to] = [rgb(one), rgb(other)]
  const channel = (nth: 0 | 1 | 2) => Math.round(from[nth] + (to[nth] - from[nth]) * part)
  const hex = (nth: 0 | 1 | 2) => channel(nth).toString(16).padStart(2, '0')
  return `#${hex(0)}${hex(1)}${hex(2)}`
}

function distance(one: string, other: string): number {
  const light = ([r, g, b]: [number, number, number]) => 0.3 * r + 0.59 * g + 0.11 * b
  return Math.abs(light(rgb(one)) - light(rgb(other)))
}

/** Degrees below the limit at which a cell is coolest. */
const RAMP_C = 30

export function step(value: number, limit: number): number {
  const part = (value - (limit - RAMP_C)) / RAMP_C
  return Math.round(Math.min(Math.max(part, 0), 1) * STEPS)
}

export interface Look {
  value: number
  limit: number
  state: State
  /** The whole stream is old. */
  stale: boolean
  selected: boolean
  pinned: boolean
}

/** Cells at least this wide show their value. */
const WRITTEN_PX = 36

export function drawCell(
  pen: CanvasRenderingContext2D,
  ink: Ink,
  cell: Cell,
  size: number,
  look: Look,
): void {
  const { x, y } = cell
  const tone = ink.ramp[look.state === 'unknown' ? 0 : step(look.value, look.limit)]
  if (!tone) return
  pen.fillStyle = ink.panel
  pen.fillRect(x - 1, y - 1, size + 2, size + 2)
  if (look.state === 'unknown') {
    pen.strokeStyle = ink.line
    pen.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1)
  } else {
    const old = look.stale || look.state === 'silent'
    pen.fillStyle = old ? ink.panel : tone.fill
    pen.fillRect(x, y, size, size)
    if (old) hatch(pen, ink, x, y, size)
    if (size >= WRITTEN_PX) write(pen, ink, cell, size, look, old ? ink.text : tone.text)
    if (look.state === 'over' && !old) badge(pen, ink, x + size, y, size >= WRITTEN_PX ? 14 : 10)
  }
  if (look.pinned) {
    pen.strokeStyle = ink.text
    pen.lineWidth = 2
    pen.strokeRect(x + 1, y + 1, size - 2, size - 2)
  }
  if (look.selected) {
    pen.strokeStyle = ink.accent
    pen.lineWidth = 2
    pen.strokeRect(x, y, size, size)
  }
  pen.lineWidth = 1
}

function write(
  pen: CanvasRenderingContext2D,
  ink: Ink,
  cell: Cell,
  size: number,
  look: Look,
  colour: string,
): void {
  pen.fillStyle = colour
  pen.font = `${size >= 52 ? 15 : 12}px ${ink.font}`
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  pen.fillText(look.value.toFixed(1), cell.x + size / 2, cell.y + size / 2 + 1)
}

function hatch(pen: CanvasRenderingContext2D, ink: Ink, x: number, y: number, size: number): void {
  pen.save()
  pen.beginPath()
  pen.rect(x, y, size, size)
  pen.clip()
  pen.beginPath()
  for (let at = -size; at < size; at += 6) {
    pen.moveTo(x + at, y + size)
    pen.lineTo(x + at + size, y)
  }
  pen.strokeStyle = ink.run
  pen.stroke()
  pen.restore()
  pen.strokeStyle = ink.run
  pen.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1)
}

/** The mark of a value above its limit, in the upper right corner: square, 3, colour. */
export function badge(
  pen: CanvasRenderingContext2D,
  ink: Ink,
  right: number,
  top: number,
  size: number,
): void {
  pen.fillStyle = ink.call
  pen.fillRect(right - size, top, size, size)
  pen.strokeStyle = ink.text
  pen.strokeRect(right - size + 0.5, top + 0.5, size - 1, size - 1)
  pen.fillStyle = ink.onCall
  pen.font = `600 ${size - 2}px ${ink.font}`
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  pen.fillText('3', right - size / 2, top + size / 2 + 1)
}

export function drawTitles(pen: CanvasRenderingContext2D, ink: Ink, boxes: readonly Box[]): void {
  pen.font = `11px ${ink.font}`
  pen.textAlign = 'left'
  pen.textBaseline = 'alphabetic'
  pen.fillStyle = ink.muted
  for (const box of boxes) pen.fillText(box.title, box.x, box.y + TITLE_PX - 6, box.width)
}
