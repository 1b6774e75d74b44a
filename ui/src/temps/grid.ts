/** Layout and drawing of the sensor grid. Pure functions, except for drawing on a given canvas. */
import type { State } from './sensors'

export interface Box {
  title: string
  x: number
  y: number
  width: number
  height: number
}

export interface Cell {
  index: number
  x: number
  y: number
  /** Position in reading order, for the arrow keys. */
  order: number
}

export interface Layout {
  boxes: Box[]
  cells: Cell[]
  size: number
  height: number
}

const SIZES = [64, 52, 44, 36, 28, 22, 18] as const
/** Cells get smaller until the grid fits this height. */
const HEIGHT_MAX = 520
export const TITLE_PX = 18
const GAP = 2
const BOX_GAP = 10
const BOX_WIDTH_MIN = 88

/** Sensors in one box. */
export interface CellGroup {
  title: string
  sensors: readonly { index: number }[]
}

/**
 * Lays out boxes of equal width in rows. Uses the first grouping whose cells fit the height at any
 * size, else the last one.
 */
export function layout(groupings: readonly (readonly CellGroup[])[], width: number): Layout {
  let found: Layout = { boxes: [], cells: [], size: SIZES[0], height: 0 }
  for (const groups of groupings) {
    for (const size of SIZES) {
      found = layoutGroups(groups, width, size)
      if (found.height <= HEIGHT_MAX) return found
    }
  }
  return found
}

function layoutGroups(groups: readonly CellGroup[], width: number, size: number): Layout {
  const step = size + GAP
  const most = Math.max(1, ...groups.map((group) => group.sensors.length))
  const wanted = Math.max(Math.ceil(Math.sqrt(most * 1.8)), Math.floor(BOX_WIDTH_MIN / step))
  const columns = Math.max(1, Math.min(wanted, Math.floor(width / step)))
  const boxWidth = Math.max(columns * step, BOX_WIDTH_MIN)
  const across = Math.max(1, Math.floor((width + BOX_GAP) / (boxWidth + BOX_GAP)))
  const boxes: Box[] = []
  const cells: Cell[] = []
  let y = 0
  for (let first = 0; first < groups.length; first += across) {
    const row = groups.slice(first, first + across)
    const rows = Math.max(...row.map((group) => Math.ceil(group.sensors.length / columns)))
    const height = TITLE_PX + rows * step
    row.forEach((group, nth) => {
      const x = nth * (boxWidth + BOX_GAP)
      boxes.push({ title: group.title, x, y, width: boxWidth, height })
      group.sensors.forEach((sensor, at) => {
        cells.push({
          index: sensor.index,
          x: x + (at % columns) * step,
          y: y + TITLE_PX + Math.floor(at / columns) * step,
          order: cells.length,
        })
      })
    })
    y += height + BOX_GAP
  }
  return { boxes, cells, size, height: Math.max(0, y - BOX_GAP) }
}

export function cellAt(layout: Layout, x: number, y: number): Cell | undefined {
  const { size } = layout
  return layout.cells.find(
    (cell) => x >= cell.x && x < cell.x + size && y >= cell.y && y < cell.y + size,
  )
}

export type Direction = 'left' | 'right' | 'up' | 'down'

/**
 * The next cell in a direction: left and right in reading order, up and down the cell of the next
 * row that is nearest to `x`, so that a move across a short row returns to its column.
 */
export function neighbourCell(
  layout: Layout,
  from: Cell | undefined,
  direction: Direction,
  x = from?.x ?? 0,
): Cell | undefined {
  const { cells } = layout
  if (!from) return cells[0]
  if (direction === 'left') return cells[from.order - 1] ?? from
  if (direction === 'right') return cells[from.order + 1] ?? from
  const beyond = cells.filter((cell) => (direction === 'up' ? cell.y < from.y : cell.y > from.y))
  let best: Cell | undefined
  let shortest = Number.POSITIVE_INFINITY
  for (const cell of beyond) {
    // The nearest row comes first, then the nearest column.
    const distance = Math.abs(cell.y - from.y) * 1e4 + Math.abs(cell.x - x)
    if (distance < shortest) [best, shortest] = [cell, distance]
  }
  return best ?? from
}

export interface Palette {
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

/** The colours of the current theme. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const token = (name: string) => style.getPropertyValue(name).trim()
  const [cool, hot, text, panel] = [
    token('--cool'),
    token('--hot'),
    token('--text'),
    token('--panel'),
  ]
  const ramp = Array.from({ length: STEPS + 1 }, (_, step) => {
    const fill = mix(cool, hot, step / STEPS)
    return { fill, text: distance(fill, text) > distance(fill, panel) ? text : panel }
  })
  return {
    panel,
    line: token('--line'),
    text,
    muted: token('--muted'),
    run: token('--run'),
    accent: token('--accent'),
    call: token('--call'),
    onCall: token('--on-call'),
    font: token('--font'),
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

/** The colour ramp starts this far below the limit. */
const RAMP_C = 30

export function rampStep(value: number, limit: number): number {
  const part = (value - (limit - RAMP_C)) / RAMP_C
  return Math.round(Math.min(Math.max(part, 0), 1) * STEPS)
}

export interface CellStyle {
  value: number
  limit: number
  state: State
  /** The stream is stale. */
  stale: boolean
  selected: boolean
  pinned: boolean
}

/** Cells at least this wide show their value. */
const VALUE_CELL_PX = 36

export function drawCell(
  context: CanvasRenderingContext2D,
  palette: Palette,
  cell: Cell,
  size: number,
  look: CellStyle,
): void {
  const { x, y } = cell
  const tone = palette.ramp[look.state === 'unknown' ? 0 : rampStep(look.value, look.limit)]
  if (!tone) return
  context.fillStyle = palette.panel
  context.fillRect(x - 1, y - 1, size + 2, size + 2)
  if (look.state === 'unknown') {
    context.strokeStyle = palette.line
    context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1)
  } else {
    const isOld = look.stale || look.state === 'silent'
    context.fillStyle = isOld ? palette.panel : tone.fill
    context.fillRect(x, y, size, size)
    if (isOld) drawHatch(context, palette, x, y, size)
    if (size >= VALUE_CELL_PX)
      drawValue(context, palette, cell, size, look, isOld ? palette.text : tone.text)
    if (look.state === 'over' && !isOld)
      drawBadge(context, palette, x + size, y, size >= VALUE_CELL_PX ? 14 : 10)
  }
  if (look.pinned) {
    context.strokeStyle = palette.text
    context.lineWidth = 2
    context.strokeRect(x + 1, y + 1, size - 2, size - 2)
  }
  if (look.selected) {
    context.strokeStyle = palette.accent
    context.lineWidth = 2
    context.strokeRect(x, y, size, size)
  }
  context.lineWidth = 1
}

function drawValue(
  context: CanvasRenderingContext2D,
  palette: Palette,
  cell: Cell,
  size: number,
  look: CellStyle,
  colour: string,
): void {
  context.fillStyle = colour
  context.font = `${size >= 52 ? 15 : 12}px ${palette.font}`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillText(look.value.toFixed(1), cell.x + size / 2, cell.y + size / 2 + 1)
}

function drawHatch(
  context: CanvasRenderingContext2D,
  palette: Palette,
  x: number,
  y: number,
  size: number,
): void {
  context.save()
  context.beginPath()
  context.rect(x, y, size, size)
  context.clip()
  context.beginPath()
  for (let at = -size; at < size; at += 6) {
    context.moveTo(x + at, y + size)
    context.lineTo(x + at + size, y)
  }
  context.strokeStyle = palette.run
  context.stroke()
  context.restore()
  context.strokeStyle = palette.run
  context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1)
}

/** The badge of a reading above its limit, in the upper right corner. */
function drawBadge(
  context: CanvasRenderingContext2D,
  palette: Palette,
  right: number,
  top: number,
  size: number,
): void {
  context.fillStyle = palette.call
  context.fillRect(right - size, top, size, size)
  context.strokeStyle = palette.text
  context.strokeRect(right - size + 0.5, top + 0.5, size - 1, size - 1)
  context.fillStyle = palette.onCall
  context.font = `600 ${size - 2}px ${palette.font}`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillText('3', right - size / 2, top + size / 2 + 1)
}

export function drawTitles(
  context: CanvasRenderingContext2D,
  palette: Palette,
  boxes: readonly Box[],
): void {
  context.font = `11px ${palette.font}`
  context.textAlign = 'left'
  context.textBaseline = 'alphabetic'
  context.fillStyle = palette.muted
  for (const box of boxes) context.fillText(box.title, box.x, box.y + TITLE_PX - 6, box.width)
}
