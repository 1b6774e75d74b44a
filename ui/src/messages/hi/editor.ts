/** Hindi texts of the editors of files of the plant folder. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/editor'

export const texts: Texts<typeof english> = {
  'rules.check.ok': 'कोई समस्या नहीं।',
  'rules.check.count': 'समस्याएँ: {count}',
  'rules.check.line': 'पंक्ति {line}',
  'rules.save': 'सहेजें',
  'rules.review': 'बदलाव देखें',
  'rules.diff': 'alarms.toml का बदलाव',
  'rules.diff.note': 'अन्य नियम और टिप्पणियाँ वैसी ही रहती हैं।',
  'rules.diff.none': 'कोई बदलाव नहीं।',
  'rules.conflict.load': 'फ़ाइल फिर लोड करें',
  'rules.revert': 'सभी बदलाव वापस लें',
}
