import { expect, test } from 'vitest'
import type { LaneStats } from '../temps/sensors'
import { columnKey, hotGrid, hottestOf, spansOf } from './hottest'

const lane = (plant: string, component: string, lane: string, temp_c_max: number | null) =>
  ({ plant, component, lane, temp_c_max }) as LaneStats

const lanes = [
  lane('Plant2', 'printer', '10', 40),
  lane('Plant1', 'printer', '2', 61),
  lane('Plant1', 'label', '1', null),
]

test('columns are sorted by component and lane, rows by plant', () => {
  const { columns, rows } = hotGrid(lanes)
  expect(columns.map(columnKey)).toEqual(['label 1', 'printer 2', 'printer 10'])
  expect(rows.map((row) => row.plant)).toEqual(['Plant1', 'Plant2'])
  expect(rows[0]?.cells.get('printer 2')?.temp_c_max).toBe(61)
  expect(rows[0]?.cells.has('printer 10')).toBe(false)
})

test('components span their lanes', () => {
  expect(spansOf(hotGrid(lanes).columns)).toEqual([
    { component: 'label', lanes: 1 },
    { component: 'printer', lanes: 2 },
  ])
})

test('the hottest lane has the highest reading', () => {
  expect(hottestOf(lanes)?.lane).toBe('2')
  expect(hottestOf([lane('P', 'c', '1', null)])).toBeNull()
})
