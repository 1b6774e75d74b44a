import { expect, test } from 'vitest'
import { detailText, kindText } from './audit'

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
