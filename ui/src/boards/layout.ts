/** Where tiles are in the grid of a board, and on the pages of a wall. */

export interface Sized {
  width: number
  height: number
}

export interface Place {
  /** From 1, as in CSS grids. */
  column: number
  row: number
  width: number
  height: number
}

/** Fills the grid row by row in the order of the tiles; a tile never stands before one that is earlier. */
export function placesOf(tiles: readonly Sized[], columns: number): Place[] {
  const taken = new Set<string>()
  let [column, row] = [1, 1]
  const isFree = (width: number, height: number) => {
    for (let x = column; x < column + width; x += 1) {
      for (let y = row; y < row + height; y += 1) if (taken.has(`${x} ${y}`)) return false
    }
    return column + width - 1 <= columns
  }
  return tiles.map((tile) => {
    const width = Math.min(tile.width, columns)
    const { height } = tile
    while (!isFree(width, height)) {
      column += 1
      if (column > columns) [column, row] = [1, row + 1]
    }
    const place = { column, row, width, height }
    for (let x = column; x < column + width; x += 1) {
      for (let y = row; y < row + height; y += 1) taken.add(`${x} ${y}`)
    }
    column += width
    if (column > columns) [column, row] = [1, row + 1]
    return place
  })
}

/** The last row that a tile covers. */
export const rowsOf = (places: readonly Place[]): number =>
  Math.max(0, ...places.map(({ row, height }) => row + height - 1))

/** Tiles for a window of another width: half as many columns below 1,100 px, and one on a phone. */
export function fitted<T extends Sized>(
  tiles: readonly T[],
  columns: number,
  width_px: number,
): { columns: number; sizes: Sized[] } {
  if (width_px >= FULL_FROM_PX) return { columns, sizes: [...tiles] }
  if (width_px < PHONE_BELOW_PX) {
    return { columns: 1, sizes: tiles.map(({ height }) => ({ width: 1, height })) }
  }
  const half = Math.max(1, Math.ceil(columns / 2))
  return {
    columns: half,
    sizes: tiles.map(({ width, height }) => ({ width: Math.min(width, half), height })),
  }
}

const FULL_FROM_PX = 1_000
const PHONE_BELOW_PX = 640

/** Smallest tile of a wall in heights of its letters: a title, a figure and a note. */
const WALL_CELL = { width_em: 9, height_em: 4.1 }
/** A figure is one cell, anything else two by two. */
const WALL_SIZE = { figure: 1, other: 2 }

export interface WallPage<T> {
  columns: number
  rows: number
  tiles: { tile: T; place: Place }[]
}

/** The pages of a wall: as many tiles on each as can be read, with letters of `font_px`. */
export function wallPages<T extends { kind: string }>(
  tiles: readonly T[],
  size: { width_px: number; height_px: number; font_px: number },
): WallPage<T>[] {
  const cells = (px: number, em: number) => Math.max(1, Math.floor(px / (size.font_px * em)))
  // Tiles of two columns leave no gap in an even number of columns.
  const most = cells(size.width_px, WALL_CELL.width_em)
  const columns = most > 1 ? most - (most % 2) : 1
  const rows = cells(size.height_px, WALL_CELL.height_em)
  const sizeOf = ({ kind }: T): Sized => {
    const count = kind === 'number' ? WALL_SIZE.figure : WALL_SIZE.other
    const width = kind === 'timeline' ? columns : Math.min(count, columns)
    return { width, height: Math.min(count, rows) }
  }
  const pages: WallPage<T>[] = []
  let rest = [...tiles]
  while (rest.length > 0) {
    const places = placesOf(rest.map(sizeOf), columns)
    const over = places.findIndex(({ row, height }) => row + height - 1 > rows)
    const count = over < 0 ? rest.length : Math.max(1, over)
    const own = stretched(places.slice(0, count), columns)
    pages.push({
      columns,
      rows: Math.max(1, rowsOf(own)),
      tiles: rest.slice(0, count).map((tile, at) => ({ tile, place: own[at] as Place })),
    })
    rest = rest.slice(count)
  }
  return pages
}

/** The places with the free cells to the right of each, and then with those below it. */
function stretched(places: readonly Place[], columns: number): Place[] {
  const rows = rowsOf(places)
  const taken = new Set(places.flatMap(cellsOf))
  const grown = (place: Place, grow: (place: Place) => Place): Place => {
    const next = grow(place)
    const isInside = next.column + next.width - 1 <= columns && next.row + next.height - 1 <= rows
    const own = new Set(cellsOf(place))
    const added = cellsOf(next).filter((cell) => !own.has(cell))
    if (!isInside || added.some((cell) => taken.has(cell))) return place
    for (const cell of added) taken.add(cell)
    return grown(next, grow)
  }
  const wider = (place: Place) => ({ ...place, width: place.width + 1 })
  const higher = (place: Place) => ({ ...place, height: place.height + 1 })
  return places.map((place) => grown(place, wider)).map((place) => grown(place, higher))
}

const cellsOf = ({ column, row, width, height }: Place): string[] =>
  Array.from({ length: width * height }, (_, nth) => {
    return `${column + (nth % width)} ${row + Math.floor(nth / width)}`
  })
