import { expect, test } from 'vitest'
import { dayEnd, dayStart, detailText, kindText } from './audit'

test('days are those of the plant', () => {
  expect(dayStart('2022-06-05', 'Asia/Kolkata')).toBe('2022-06-04T18:30:00.000Z')
  expect(dayEnd('2022-06-05', 'Asia/Kolkata')).toBe('2022-06-05T18:30:00.000Z')
  expect(dayEnd('2022-12-31', 'UTC')).toBe('2023-01-01T00:00:00.000Z')
  expect(dayStart('2022-02-31', 'UTC')).toBeNull()
  expect(dayEnd(null, 'UTC')).toBeNull()
})

test('details are name and value', () => {
  expect(detailText({ user: 'asha', roles: ['viewer'], rows: 3 }, 'UTC')).toBe(
    'user=asha, roles=["viewer"], rows=3',
  )
  expect(detailText({ token: 2, expires_us: 1_795_690_766_565_917 }, 'Asia/Kolkata')).toBe(
    'token=2, expires=26 Nov 2026, 16:29:26',
  )
  expect(detailText(null, 'UTC')).toBe('')
})

test('kinds are words', () =>
  expect(kindText('second_factor_enabled')).toBe('second factor enabled'))
