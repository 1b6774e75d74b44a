/** Malayalam texts of boards for walls and for operators. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/boards'

export const texts: Texts<typeof english> = {
  'boards.wall': 'ചുമരിൽ',
  'boards.wall.note': 'ദൂരെ നിന്ന് വായിക്കാൻ, നിയന്ത്രണങ്ങളില്ലാതെ',
  'boards.calibrate': 'ഈ സ്ക്രീനിന്റെ വലുപ്പവും ദൂരവും',
  'boards.operator': 'ഓപ്പറേറ്റർക്ക്',
  'boards.operator.note': 'കയ്യുറയിട്ട് തൊടാവുന്നത്',
  'boards.roles': 'മറ്റ് റോളുകൾ',
  'boards.supervisor': 'ഷിഫ്റ്റ് സൂപ്പർവൈസർ: ഇപ്പോൾ',
  'boards.manager': 'പ്ലാന്റ് മാനേജർ: ഏഴ് ദിവസത്തെ ഗുണനിലവാരം',
  'boards.engineer': 'ഡാറ്റ എഞ്ചിനീയർ: ഡാറ്റ',
  'wall.behind': 'പിന്നിൽ {count}',
  'wall.on_plan': 'പ്ലാനിൽ {count}',
  'wall.no_plan': 'പ്ലാനില്ല',
  'wall.made': '{made} / {planned}',
  'wall.landing': 'പ്രതീക്ഷിക്കുന്നത്',
  'wall.running': '{all}-ൽ {count} ഉത്പാദനത്തിൽ',
  'wall.state': '{since} മുതൽ {state}',
  'wall.state.none': 'മെഷീൻ ഇവന്റുകളില്ല',
  'wall.state.label': 'നില',
  'wall.loss': 'നിർത്തൽ',
  'wall.loss.value': '{reason}, {minutes} min',
  'wall.inch': 'സ്ക്രീനിന്റെ വികർണ്ണം, ഇഞ്ചിൽ',
  'wall.metres': 'വായിക്കുന്നയാളുടെ ദൂരം, മീറ്ററിൽ',
  'wall.save': 'ഇവ ഉപയോഗിക്കുക',
  'wall.invalid': '5 മുതൽ 300 വരെ ഇഞ്ചും 0.3 മുതൽ 100 വരെ മീറ്ററും വേണം.',
  'operator.since': '{at} മുതൽ',
  'operator.hour': 'മണിക്കൂർ {hour}',
}
