import { expect, test } from 'vitest'
import { failureMessage, startHref } from './providers'

const provider = {
  name: 'plant',
  title: 'Plant',
  start: '/api/v1/openid/plant/start',
  is_available: true,
}

test('only known failures have a message', () => {
  expect(failureMessage('openid_stale')).toBe('login.openid.stale')
  for (const code of [null, '', 'openid_', '<b>x</b>', 'constructor', '__proto__']) {
    expect(failureMessage(code)).toBeNull()
  }
})

test('a login leads back to the page', () => {
  expect(startHref(provider, '/')).toBe('/api/v1/openid/plant/start')
  expect(startHref(provider, '/make?a=b')).toBe('/api/v1/openid/plant/start?next=%2Fmake%3Fa%3Db')
})
