import { expect, test } from 'vitest'
import {
  englishOf,
  freeName,
  quoted,
  rawOf,
  stringOf,
  swapped,
  tilesOf,
  withEnglish,
  withoutTile,
  withTile,
  withValue,
} from './toml'

const TEXT = `# A board.
title = "Line"

# The first.
[[tile]]
name = "made"
kind = "number"
sql = """
SELECT 1 AS made -- [[tile]]
"""
unit = "boards" # pieces

[[tile]]
name = "units"
kind = 'table'
title = { en = "Units", hi = "इकाइयाँ" }
sql = "SELECT '\\"[[tile]]\\"' AS a"
[tile.columns]
a = { unit = "x" }
`

const tile = (text: string, nth: number) => {
  const found = tilesOf(text)[nth]
  if (!found) throw new Error('no such tile')
  return found
}

test('tiles are found outside of texts', () => {
  expect(tilesOf(TEXT).map(({ name, from }) => [name, from])).toEqual([
    ['made', 4],
    ['units', 12],
  ])
})

test('values are read as they are written', () => {
  expect(rawOf(TEXT, tile(TEXT, 0), 'unit')).toBe('"boards" # pieces')
  expect(stringOf(rawOf(TEXT, tile(TEXT, 0), 'sql'))).toBe('SELECT 1 AS made -- [[tile]]\n')
  expect(stringOf(rawOf(TEXT, tile(TEXT, 1), 'kind'))).toBe('table')
  expect(rawOf(TEXT, tile(TEXT, 1), 'unit')).toBeNull()
  expect(rawOf(TEXT, tile(TEXT, 1), 'a')).toBeNull()
})

test('a value is replaced, added before the tables below the tile, or removed; all else remains', () => {
  const changed = withValue(TEXT, tile(TEXT, 0), 'unit', quoted('h'))
  expect(changed).toBe(TEXT.replace('unit = "boards" # pieces', 'unit = "h"'))
  const added = withValue(TEXT, tile(TEXT, 1), 'width', '4')
  expect(added).toBe(TEXT.replace('[tile.columns]', 'width = 4\n[tile.columns]'))
  const first = withValue(TEXT, tile(TEXT, 0), 'width', '4')
  expect(first).toBe(TEXT.replace('# pieces\n', '# pieces\nwidth = 4\n'))
  const sql = withValue(TEXT, tile(TEXT, 0), 'sql', quoted('SELECT 2'))
  expect(sql).toContain('kind = "number"\nsql = "SELECT 2"\nunit')
  expect(withValue(TEXT, tile(TEXT, 0), 'unit', null)).not.toContain('pieces')
})

test('titles keep their other languages', () => {
  const raw = rawOf(TEXT, tile(TEXT, 1), 'title')
  expect(englishOf(raw)).toBe('Units')
  expect(withEnglish(raw, 'All "units" $&')).toBe('{ en = "All \\"units\\" $&", hi = "इकाइयाँ" }')
  expect(withEnglish('"a"', 'b')).toBe('"b"')
  expect(withEnglish(null, 'b')).toBe('"b"')
})

test('tiles are added, removed and moved', () => {
  const added = withTile(TEXT, '[[tile]]\nname = "x"')
  expect(tilesOf(added).map(({ name }) => name)).toEqual(['made', 'units', 'x'])
  expect(tilesOf(withoutTile(TEXT, tile(TEXT, 0))).map(({ name }) => name)).toEqual(['units'])
  const moved = swapped(added, tile(added, 0), tile(added, 1))
  expect(tilesOf(moved).map(({ name }) => name)).toEqual(['units', 'made', 'x'])
  expect(moved).toContain('a = { unit = "x" }\n\n[[tile]]\nname = "made"')
  expect([freeName(TEXT, 'made'), freeName(TEXT, 'other')]).toEqual(['made_2', 'other'])
})
