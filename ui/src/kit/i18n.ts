import { en } from '../words/en'

/** A language is a catalogue with exactly the keys of the English one: a missing key fails the types. */
export type Word = keyof typeof en
export type Catalogue = Record<Word, string>

const words: Catalogue = en

/** The text of a word, with its places filled: t('rows.of', { shown: '10', total: '3,891' }). */
export function t(word: Word, fill: Record<string, string | number> = {}): string {
  return words[word].replace(/\{(\w+)\}/g, (place, name: string) => String(fill[name] ?? place))
}
