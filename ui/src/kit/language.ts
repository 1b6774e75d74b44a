/** Which language the pages use: the choice of the person, else the first known one of the browser. */
import { type Catalogue, LANGUAGES, type Language, useCatalogue } from './i18n'

const STORED = 'language'

/** Texts that are 40 % longer and bracketed, to test the layout; chosen by `localStorage.language`. */
const PSEUDO = 'en-XA'

/** Each catalogue is one file, requested only for its language. */
const CATALOGUES: Record<Language, () => Promise<Catalogue>> = {
  en: () => import('../messages/en').then(({ en }) => en),
  ml: () => import('../messages/ml').then(({ ml }) => ml),
  hi: () => import('../messages/hi').then(({ hi }) => hi),
}

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

/** Loads the texts. Without them nothing can be shown, so a failed request is repeated once. */
export async function loadLanguage(): Promise<void> {
  const stored = localStorage.getItem(STORED)
  const language = languageOf([stored, ...navigator.languages])
  const catalogue = await CATALOGUES[language]().catch(() => CATALOGUES[language]())
  document.documentElement.lang = language
  useCatalogue(language, stored === PSEUDO ? pseudoOf(catalogue) : catalogue)
}

function pseudoOf(catalogue: Catalogue): Catalogue {
  const texts = Object.entries(catalogue).map(([key, text]) => [key, lengthened(text)])
  return Object.fromEntries(texts) as Catalogue
}

/** Stores the choice in this browser, and shows the page in that language. */
export function chooseLanguage(language: Language): void {
  localStorage.setItem(STORED, language)
  location.reload()
}
