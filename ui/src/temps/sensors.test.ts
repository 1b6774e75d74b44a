import { expect, test } from 'vitest'
import { axis, hours } from './axes'
import { cellAt, layout, neighbourCell, rampStep } from './grid'
import {
  formatAge,
  groupSensors,
  matches,
  parse,
  sensorState,
  sortSensors,
  values,
} from './sensors'

const NAMES = [
  'Plant2.1.label_printer.m1',
  'Plant1.10.label_printer.m1',
  'Plant1.2.solder_paste_printer.m1',
  'Plant1.2.label_printer.m2',
  'Plant1.2.label_printer.m1',
]
const sensors = sortSensors(NAMES.map(parse))

test('sensors are sorted by plant, lane in natural order, and component', () => {
  expect(sensors.map((one) => one.index)).toEqual([4, 3, 2, 1, 0])
  const lanes = groupSensors(sensors, (sensor) => `${sensor.plant} ${sensor.lane}`)
  expect(lanes.map((one) => [one.title, one.sensors.length])).toEqual([
    ['Plant1 2', 3],
    ['Plant1 10', 1],
    ['Plant2 1', 1],
  ])
  expect(values(sensors, 'lane')).toEqual(['1', '2', '10'])
})

test('a manufacturer may contain dots', () => {
  expect(parse('P.1.c.a.b', 0).manufacturer).toBe('a.b')
  expect(parse('odd', 0)).toMatchObject({ plant: 'odd', lane: '', component: '' })
})

test('a filter matches the levels it names', () => {
  const filter = { plant: 'Plant1', lane: null, component: 'label_printer' }
  expect(sensors.filter((one) => matches(filter, one)).map((one) => one.index)).toEqual([4, 3, 1])
})

test('a state is over, near, normal, silent or unknown', () => {
  expect(sensorState(50.01, 50, false)).toBe('over')
  expect(sensorState(50, 50, false)).toBe('near')
  expect(sensorState(45, 50, false)).toBe('normal')
  expect(sensorState(90, 50, true)).toBe('silent')
  expect(sensorState(Number.NaN, 50, true)).toBe('unknown')
})

test('ages are formatted in their largest unit', () => {
  expect([0.4, 45, 119.9, 600, 90_000, 1e6].map(formatAge)).toEqual([
    '0.4 s',
    '45 s',
    '119 s',
    '10 min',
    '25 h',
    '11 d',
  ])
})

test('each sensor has a cell, and arrows reach all of them', () => {
  const many = sortSensors(
    Array.from({ length: 1000 }, (_, nth) =>
      parse(`Plant${nth % 5}.${Math.floor(nth / 5) % 8}.c.${nth}`, nth),
    ),
  )
  const byLane = groupSensors(many, (sensor) => `${sensor.plant} ${sensor.lane}`)
  const byPlant = groupSensors(many, (sensor) => sensor.plant)
  for (const width of [340, 900, 1800]) {
    const grid = layout([byLane, byPlant], width)
    expect(new Set(grid.cells.map((cell) => `${cell.x} ${cell.y}`)).size).toBe(1000)
    expect(Math.max(...grid.cells.map((cell) => cell.x)) + grid.size).toBeLessThanOrEqual(width)
    const [first] = grid.cells
    expect(neighbourCell(grid, undefined, 'up')).toBe(first)
    expect(neighbourCell(grid, first, 'left')).toBe(first)
    expect(neighbourCell(grid, neighbourCell(grid, first, 'right'), 'left')).toBe(first)
    expect(neighbourCell(grid, neighbourCell(grid, first, 'down'), 'up')).toBe(first)
    const some = grid.cells[500]
    expect(some && cellAt(grid, some.x + 1, some.y + 1)).toBe(some)
  }
})

test('a move down and up returns to the same cell', () => {
  const sensors = (count: number) => Array.from({ length: count }, (_, index) => ({ index }))
  const groups = [13, 2, 30, 7].map((count) => ({ title: `${count}`, sensors: sensors(count) }))
  const grid = layout([groups], 500)
  for (const cell of grid.cells) {
    const below = neighbourCell(grid, cell, 'down', cell.x)
    if (below !== cell) expect(neighbourCell(grid, below, 'up', cell.x)).toBe(cell)
  }
})

test('many small lanes are replaced by plants', () => {
  const many = sortSensors(
    Array.from({ length: 600 }, (_, nth) => parse(`P${nth % 3}.${nth}.c.m`, nth)),
  )
  const ways = [
    groupSensors(many, (sensor) => `${sensor.plant} ${sensor.lane}`),
    groupSensors(many, (sensor) => sensor.plant),
  ]
  expect(layout(ways, 1200).boxes.map((box) => box.title)).toEqual(['P0', 'P1', 'P2'])
  const few = ways.map((way) => way.slice(0, 8))
  expect(layout(few, 1200).boxes.length).toBe(8)
})

test('the colour ramp ends at the limit', () => {
  expect([
    rampStep(10, 50),
    rampStep(20, 50),
    rampStep(35, 50),
    rampStep(50, 50),
    rampStep(99, 50),
  ]).toEqual([0, 0, 6, 12, 12])
})

test('axes contain all readings and the limit', () => {
  const point = (temp: number) => ({
    at: '',
    readings: 1,
    temp_c_min: temp - 1,
    temp_c_max: temp + 1,
    temp_c_mean: temp,
  })
  const found = axis([point(42), point(47)], 50)
  expect(found).toEqual({ low: 40, high: 51, marks: [40, 45, 50], least: 41, most: 48 })
  const cool = axis([point(28)], 50)
  expect([cool.low, cool.high]).toEqual([26, 30])
  const none = axis([], 50)
  expect(none.marks).toEqual([49, 50, 51])
})

test('ticks are round times of the plant', () => {
  const from = Date.parse('2023-01-12T10:20:00Z')
  const found = hours(from, from + 600_000, 5, 'Asia/Kolkata')
  expect(found.map((one) => one.text)).toEqual(['15:50', '15:52', '15:54', '15:56', '15:58'])
  const day = hours(from, from + 86_400_000, 4, 'Asia/Kolkata')
  expect(day.map((one) => one.text)).toEqual(['18:00', '00:00', '06:00', '12:00'])
})
