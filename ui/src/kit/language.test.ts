import { expect, test } from 'vitest'
import { languageOf, lengthened } from './language'

test.each([
  [[null, 'ml-IN', 'en'], 'ml'],
  [['hi', 'ml-IN'], 'hi'],
  [[null, 'de-DE', 'HI-in'], 'hi'],
  [[null, 'de-DE'], 'en'],
  [['xx'], 'en'],
  [['en-XA', 'ml'], 'en'],
] as const)('%s is %s', (wanted, language) => {
  expect(languageOf(wanted)).toBe(language)
})

test('lengthened texts keep their placeholders', () => {
  expect(lengthened('{shown} of {total}')).toBe('[{shown} of {total}~~]')
})
