import { expect, test } from 'vitest'
import { en } from './en'
import { hi } from './hi'
import { ml } from './ml'

const SCRIPTS = { ml: /\p{Script=Malayalam}/u, hi: /\p{Script=Devanagari}/u }
/** Texts without a word to translate: names, symbols, units and placeholders. */
const SYMBOLS =
  /^(Plant Cockpit|OEE( \{day\})?|INR|SHA-256|Delta Sharing|Bronze|Silver|SD|gold, silver|[AEQd]|7 d|(\{\w+\}|°C\/min|min|h|:00|[ ,:/>°C])+)$/

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort().join(' ')

test.each([
  ['ml', ml],
  ['hi', hi],
] as const)(
  'each text of %s is translated and has the placeholders of the English one',
  (language, catalogue) => {
    const faults = Object.entries(catalogue).filter(([key, text]) => {
      const english = en[key as keyof typeof en]
      const isTranslated = SYMBOLS.test(text) || SCRIPTS[language].test(text)
      return !isTranslated || placeholders(text) !== placeholders(english)
    })
    expect(faults).toEqual([])
  },
)
