/** Texts in the language of the person. Codes, names and texts of the plant are data and stay as they are. */
import type { en } from '../messages/en'

/** A catalogue has exactly the keys of the English one; a missing key is a type error. */
export type MessageKey = keyof typeof en
export type Catalogue = Record<MessageKey, string>
/** A part of a catalogue, in another language. */
export type Texts<Part> = Record<keyof Part, string>

export const LANGUAGES = ['en', 'ml', 'hi'] as const
export type Language = (typeof LANGUAGES)[number]

const LOCALES: Record<Language, string> = { en: 'en-IN', ml: 'ml-IN', hi: 'hi-IN' }

let language: Language = 'en'
let messages: Partial<Catalogue> = {}

/** Called before anything is shown, and with the texts of a page before it; another language is shown after a reload. */
export function useTexts(chosen: Language, texts: Partial<Catalogue>): void {
  language = chosen
  messages = { ...messages, ...texts }
}

export const currentLanguage = (): Language => language

/** The locale of dates: `ml-IN`. Numbers are the same in all languages: western digits in Indian groups. */
export const locale = (): string => LOCALES[language]

/** The message of a key with its placeholders filled: t('table.shown', { shown: 10, total: '3,891' }). */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  return (messages[key] ?? key).replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    String(values[name] ?? placeholder),
  )
}
