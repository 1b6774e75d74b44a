import { expect, test } from 'vitest'
import { fontSize_px, parseCalibration } from './scale'

const HD = { width_px: 1920, height_px: 1080 }

test.each([
  [5, 55],
  [10, 110],
])('at %s m a 55 inch screen needs %s px', (distance_m, px) => {
  expect(Math.round(fontSize_px({ diagonal_in: 55, distance_m }, HD))).toBe(px)
})

test.each([
  ['55', '10', { diagonal_in: 55, distance_m: 10 }],
  ['55', '0', null],
  ['x', '10', null],
  [null, null, null],
])('%s inch at %s m', (diagonal, distance, calibration) => {
  expect(parseCalibration(diagonal, distance)).toEqual(calibration)
})
