/** Which language the pages use: the choice of the person, else the first known one of the browser. */
import { type Catalogue, LANGUAGES, type Language, useTexts } from './i18n'

const STORED = 'language'

/** Texts that are 40 % longer and bracketed, to test the layout; chosen by `localStorage.language`. */
const PSEUDO = 'en-XA'

/** Texts of some pages, which are loaded with these. The part `base` is loaded before any page. */
export type Part =
  | 'access'
  | 'alarms'
  | 'boards'
  | 'editor'
  | 'explore'
  | 'orders'
  | 'plant-boards'
  | 'quality'
  | 'reports'
  | 'sources'
  | 'station'

/** Each part of a catalogue is one file, requested only for its language. */
const FILES = import.meta.glob<{ texts: Partial<Catalogue> }>([
  '../messages/*/*.ts',
  '!**/frame.ts',
  '!**/palette.ts',
  '!**/plant.ts',
])

/** The first language that the pages have: `ml` of `ml-IN`; English if there is none. */
export function languageOf(wanted: readonly (string | null)[]): Language {
  for (const tag of wanted) {
    const code = tag?.toLowerCase().split('-')[0]
    const found = LANGUAGES.find((language) => language === code)
    if (found) return found
  }
  return 'en'
}

export function lengthened(text: string): string {
  const letters = text.replace(/\{\w+\}/g, '').length
  const added = '~'.repeat(Math.ceil(0.4 * letters))
  // Sentences get words, which wrap as real ones do.
  return `[${text}${text.includes(' ') ? added.replace(/~{8}(?=~)/g, '$& ') : added}]`
}

const loaded = new Map<Part | 'base', Promise<void>>()

/**
 * Loads a part of the texts, unless it is there. A request that fails is repeated once.
 *
 * @throws the error of the second request; the next call requests the part again.
 */
export function loadTexts(part: Part | 'base'): Promise<void> {
  const known = loaded.get(part)
  if (known) return known
  const added = requestTexts(part)
  loaded.set(part, added)
  added.catch(() => loaded.delete(part))
  return added
}

async function requestTexts(part: Part | 'base'): Promise<void> {
  const stored = localStorage.getItem(STORED)
  const language = languageOf([stored, ...navigator.languages])
  const request = FILES[`../messages/${language}/${part}.ts`]
  if (!request) throw new Error(`no texts ${part} in ${language}`)
  const { texts } = await request().catch(request)
  document.documentElement.lang = language
  useTexts(language, stored === PSEUDO ? pseudoOf(texts) : texts)
}

function pseudoOf(texts: Partial<Catalogue>): Partial<Catalogue> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, lengthened(text)]))
}

/** Stores the choice in this browser, and shows the page in that language. */
export function chooseLanguage(language: Language): void {
  localStorage.setItem(STORED, language)
  location.reload()
}
