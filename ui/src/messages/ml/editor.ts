/** Malayalam texts of the editors of files of the plant folder. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/editor'

export const texts: Texts<typeof english> = {
  'rules.check.ok': 'പിശകുകളില്ല.',
  'rules.check.count': 'പിശകുകൾ: {count}',
  'rules.check.line': 'വരി {line}',
  'rules.save': 'സൂക്ഷിക്കുക',
  'rules.review': 'മാറ്റം പരിശോധിക്കുക',
  'rules.diff': 'alarms.toml-ലെ മാറ്റം',
  'rules.diff.note': 'മറ്റ് നിയമങ്ങളും കുറിപ്പുകളും അതേപടി തുടരും.',
  'rules.diff.none': 'മാറ്റമില്ല.',
  'rules.conflict.load': 'ഫയൽ വീണ്ടും ലോഡ് ചെയ്യുക',
  'rules.revert': 'എല്ലാ മാറ്റങ്ങളും പഴയപടിയാക്കുക',
}
