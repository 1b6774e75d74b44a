import { expect, test } from 'vitest'
import { loginHref, safeNext } from './login'

const ORIGIN = 'https://cockpit.example'

test.each([
  ['/make?day=2022-06-05', '/make?day=2022-06-05'],
  ['/temps/Plant1.4.a', '/temps/Plant1.4.a'],
  ['/make#figure', '/make'],
  [null, '/'],
  ['', '/'],
  ['make', '/'],
  ['//evil.example/make', '/'],
  ['/\\evil.example', '/'],
  ['\\\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['/\n//evil.example', '/'],
  ['/.//evil.example', '/'],
  ['https://evil.example/', '/'],
  ['https:evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['data:text/html,x', '/'],
  ['/login?next=/login', '/'],
  ['/setup', '/'],
  ['/make@evil.example', '/make@evil.example'],
])('after the login %j leads to %s', (next, path) => expect(safeNext(next, ORIGIN)).toBe(path))

test('the login keeps the address of the page', () => {
  expect(loginHref('/make?day=2022-06-05&by=item')).toBe(
    '/login?next=%2Fmake%3Fday%3D2022-06-05%26by%3Ditem',
  )
  expect(loginHref('/')).toBe('/login')
  expect(loginHref('/now', true)).toBe('/login?next=%2Fnow&reason=expired')
})
