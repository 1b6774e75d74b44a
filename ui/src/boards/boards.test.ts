import { expect, test } from 'vitest'
import type { TileColumn, TileInfo, TileRows } from './api'
import { path, positions, shownLabels, valueAxis } from './chart'
import { fitted, placesOf, rowsOf, wallPages } from './layout'
import { ageOf, linkOf, markOf, numberOf, reliabilityOf, shown, withUnit } from './values'

const column = (type: TileColumn['type'], more: Partial<TileColumn> = {}): TileColumn => ({
  name: 'a',
  title: 'A',
  type,
  unit: null,
  digits: null,
  is_hidden: false,
  ...more,
})

test('tiles fill the grid in their order', () => {
  const places = placesOf(
    [
      { width: 3, height: 1 },
      { width: 3, height: 2 },
      { width: 6, height: 1 },
      { width: 3, height: 1 },
      { width: 12, height: 1 },
    ],
    12,
  )
  expect(places.map(({ column, row }) => [column, row])).toEqual([
    [1, 1],
    [4, 1],
    [7, 1],
    [1, 2],
    [1, 3],
  ])
  expect(rowsOf(places)).toBe(3)
})

test('a tile that is wider than the grid gets a whole row', () => {
  expect(placesOf([{ width: 20, height: 2 }], 4)).toEqual([
    { column: 1, row: 1, width: 4, height: 2 },
  ])
})

test('a phone has one column, and a small window half as many', () => {
  const tiles = [{ width: 12, height: 2 }]
  expect(fitted(tiles, 12, 390)).toEqual({ columns: 1, sizes: [{ width: 1, height: 2 }] })
  expect(fitted(tiles, 12, 800)).toEqual({ columns: 6, sizes: [{ width: 6, height: 2 }] })
  expect(fitted(tiles, 12, 1_800).columns).toBe(12)
})

test('every tile is on one page of a wall, and no page is larger than the screen', () => {
  const kinds = ['number', 'number', 'number', 'number', 'table', 'bars', 'number', 'heat']
  const tiles = kinds.map((kind, nth) => ({ kind, nth }))
  for (const font_px of [16, 40, 88, 200]) {
    const size = { width_px: 1_920, height_px: 1_000, font_px }
    const pages = wallPages(tiles, size)
    expect(pages.flatMap((page) => page.tiles.map(({ tile }) => tile.nth))).toEqual(
      tiles.map(({ nth }) => nth),
    )
    for (const page of pages) {
      const [width, height] = [
        size.width_px / page.columns / font_px,
        size.height_px / page.rows / font_px,
      ]
      // A screen that is too small for one tile shows it alone.
      if (page.columns > 1) expect(width).toBeGreaterThanOrEqual(9)
      if (page.rows > 1) expect(height).toBeGreaterThanOrEqual(4.1)
    }
  }
})

test('tiles of a wall use the cells that are left', () => {
  const tiles = ['number', 'number', 'number', 'bars'].map((kind) => ({ kind }))
  const [page] = wallPages(tiles, { width_px: 1_900, height_px: 1_000, font_px: 44 })
  const places = page?.tiles.map(({ place }) => place) ?? []
  expect(page?.columns).toBe(4)
  expect(places.map(({ width, height }) => [width, height])).toEqual([
    [1, 1],
    [1, 1],
    [2, 1],
    [4, 2],
  ])
})

test('values are shown as people write them', () => {
  const text = (cell: string | number | boolean | null, of: TileColumn) =>
    withUnit(shown(cell, of, 'Asia/Kolkata'))
  expect(text(1234567, column('integer', { unit: 'boards' }))).toBe('12,34,567 boards')
  expect(text(0.67857, column('decimal', { unit: '%' }))).toBe('67.9 %')
  expect(text(0.5, column('decimal', { unit: '%', digits: 0 }))).toBe('50 %')
  expect(text('12.3450', column('decimal', { digits: 1 }))).toBe('12.3')
  expect(text(93_810_000, column('decimal', { unit: 'INR', digits: 0 }))).toBe('9.38 crore INR')
  expect(text(null, column('decimal', { unit: 'boards' }))).toBe('–')
  expect(text('2026-11-26', column('day'))).toBe('26 Nov 2026')
  expect(text('2026-11-26T08:30:00Z', column('time'))).toContain('14:00')
  expect(text('a <b>', column('text'))).toBe('a <b>')
  expect(shown(0.67857, column('decimal', { unit: '%' }), 'UTC').exact).toBe('67.857')
})

test('numbers of JSON and decimals as texts are numbers, other texts are not', () => {
  expect([
    numberOf(1.5),
    numberOf('2.50'),
    numberOf(''),
    numberOf('x'),
    numberOf(null),
    numberOf(true),
  ]).toEqual([1.5, 2.5, null, null, null, null])
})

test('the most severe limit that is violated counts', () => {
  const base = { number: null, bound_column: null, priority: null, column: null }
  const limits = [
    { ...base, is_above: false, bound_column: 'planned' },
    { ...base, is_above: true, number: 100, priority: 3 },
    { ...base, is_above: true, number: 200, priority: 1 },
  ]
  const mark = (made: number | null, planned: number | null) =>
    markOf(limits, { made, planned }, 'made', 'made')
  expect(mark(90, 100)).toEqual({ priority: null, isAbove: false })
  expect(mark(150, 100)).toEqual({ priority: 3, isAbove: true })
  expect(mark(250, 300)).toEqual({ priority: 1, isAbove: true })
  expect(mark(100, 100)).toBeNull()
  expect(mark(90, null)).toBeNull()
  expect(mark(null, 100)).toBeNull()
  expect(markOf(limits, { made: 1, planned: 5 }, 'planned', 'made')).toBeNull()
})

test('links have the values of the row, encoded', () => {
  expect(linkOf('/make/{unit}?d={day}', { unit: 'A/B', day: '2026-01-01' })).toBe(
    '/make/A%2FB?d=2026-01-01',
  )
  expect(linkOf('/make/{unit}', { unit: null })).toBeNull()
  expect(linkOf('/make', undefined)).toBe('/make')
  expect(linkOf(null, {})).toBeNull()
})

test('old, partial and unknown data is reported', () => {
  const tile: TileInfo = {
    name: 'x',
    title: 'X',
    kind: 'number',
    roles: { value: ['a'], at: ['at'], coverage: ['share'], unknown: ['why'] },
    limits: [],
    link: null,
    width: 3,
    height: 1,
    stale_after_s: 3_600,
    has_time: true,
  }
  const rows = (row: Record<string, string | number | null>): TileRows => ({
    name: 'x',
    columns: [],
    rows: [row],
    is_truncated: false,
    sql: '',
    missing_tables: [],
    as_of: '2026-01-01T00:00:00Z',
    error: null,
  })
  const now_ms = Date.parse('2026-01-01T02:00:00Z')
  const fresh = reliabilityOf(
    tile,
    rows({ at: '2026-01-01T01:30:00Z', share: 0.99, why: null }),
    now_ms,
  )
  expect(fresh).toMatchObject({
    age_ms: 1_800_000,
    isStale: false,
    lowCoverage: null,
    unknown: null,
  })
  const bad = reliabilityOf(tile, rows({ at: null, share: 0.91, why: 'no verdicts' }), now_ms)
  expect(bad).toMatchObject({
    age_ms: 7_200_000,
    isStale: true,
    lowCoverage: 0.91,
    unknown: 'no verdicts',
  })
})

test('ages have whole units', () => {
  const units = [59_000, 60_000, 3_599_000, 47 * 3_600_000, 72 * 3_600_000].map(ageOf)
  expect(units.map(({ count, unit }) => `${count} ${unit}`)).toEqual([
    '59 s',
    '1 min',
    '59 min',
    '47 h',
    '3 d',
  ])
})

test('axes contain their values, and bars begin at 0', () => {
  const bars = valueAxis([5, null, 42], true, 4)
  expect([bars.low, bars.high >= 42, bars.marks[0]]).toEqual([0, true, 0])
  const lines = valueAxis([0.95, 0.97], false, 4)
  expect(lines.low).toBeLessThan(0.95)
  expect(lines.high).toBeGreaterThan(0.97)
  expect(valueAxis([], false, 3).high).toBeGreaterThan(valueAxis([], false, 3).low)
})

test('lines are interrupted where a value is unknown', () => {
  expect(
    path([
      { x: 0, y: 1 },
      { x: 1, y: null },
      { x: 2, y: 3 },
      { x: 3, y: 4 },
    ]),
  ).toBe('M0.0 1.0M2.0 3.0L3.0 4.0')
})

test('times stand at their distances, categories evenly', () => {
  const times = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z', '2026-01-01T04:00:00Z'].map(
    (at) => ({ at }),
  )
  expect(positions(times, 'at', column('time'))).toEqual([0, 0.25, 1])
  expect(positions(times, 'at', column('text'))).toEqual([0, 0.5, 1])
  expect([...shownLabels(10, 100, 30)]).toEqual([0, 4, 8])
})
