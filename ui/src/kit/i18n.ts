import { en } from '../messages/en'

/** A catalogue has exactly the keys of the English one; a missing key is a type error. */
export type MessageKey = keyof typeof en
export type Catalogue = Record<MessageKey, string>

const messages: Catalogue = en

/** The message of a key with its placeholders filled: t('table.shown', { shown: 10, total: '3,891' }). */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  return messages[key].replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    String(values[name] ?? placeholder),
  )
}
