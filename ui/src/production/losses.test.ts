import { expect, test } from 'vitest'
import { lossSums } from './losses'

const row = (loss: string, unit: string, lost_ms: number) => ({ shift: 'G', unit, loss, lost_ms })

test('losses are summed over units, with the unit that lost most', () => {
  const rows = [
    row('setup', 'A', 100),
    row('breakdown', 'A', 50),
    row('breakdown', 'B', 250),
    row('reduced_speed', 'B', -30),
  ]
  expect(lossSums(rows)).toEqual([
    { loss: 'breakdown', lost_ms: 300, unit: 'B', unit_ms: 250, part: 0.75 },
    { loss: 'setup', lost_ms: 100, unit: 'A', unit_ms: 100, part: 0.25 },
    { loss: 'reduced_speed', lost_ms: -30, unit: 'B', unit_ms: -30, part: 0 },
  ])
  expect(lossSums([])).toEqual([])
})
