import { expect, test } from 'vitest'
import { type Entry, rankOf, search } from './search'

const entries: Entry[] = [
  { kind: 'page', name: 'Orders' },
  { kind: 'page', name: 'Stock' },
  { kind: 'action', name: 'Light or dark theme' },
  { kind: 'order', name: 'W-281127' },
  { kind: 'order', name: 'W-281' },
  { kind: 'item', name: 'Items-EP-00281', detail: 'order' },
  { kind: 'sensor', name: 'Plant1.4.solder_paste_printer.acme' },
]
const names = (text: string, most = 10) => search(entries, text, most).map((entry) => entry.name)

test('without a text there are pages and actions', () => {
  expect(names('')).toEqual(['Orders', 'Stock', 'Light or dark theme'])
  expect(names('', 1)).toEqual(['Orders'])
})

test('the whole name comes before its beginning, and that before any part', () => {
  expect(names('w-281')).toEqual(['W-281', 'W-281127'])
  expect(names('281')).toEqual(['W-281', 'W-281127', 'Items-EP-00281'])
})

test('all words have to occur, in the name or its details', () => {
  expect(names('plant1 solder')).toEqual(['Plant1.4.solder_paste_printer.acme'])
  expect(names('order')).toEqual(['Orders', 'Items-EP-00281'])
  expect(names('order stock')).toEqual([])
})

test('the beginning of a word ranks before the middle of one', () => {
  const rank = (text: string) => rankOf({ kind: 'item', name: 'solder_paste' }, [text])
  expect([rank('solder_paste'), rank('sol'), rank('paste'), rank('older'), rank('x')]).toEqual([
    0,
    1,
    2,
    3,
    null,
  ])
})
