import { expect, test } from 'vitest'
import { roleText, scopeText } from './scopes'

test.each([
  ['plant', 'whole plant'],
  ['area:SMT', 'area SMT'],
  ['line:SMT/Assembly', 'line Assembly, area SMT'],
  ['line:SMT/Assembly/2', 'line Assembly/2, area SMT'],
  ['area:a:b', 'area a:b'],
  ['planet', 'planet'],
])('the scope %s is shown as "%s"', (scope, text) => expect(scopeText(scope)).toBe(text))

test('a role is shown with its scope', () => {
  expect(roleText({ role: 'operator', scope: 'line:SMT/Assembly' })).toBe(
    'Operator, line Assembly, area SMT',
  )
})
