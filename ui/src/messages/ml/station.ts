/** Malayalam texts of the page of one station. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/station'

export const texts: Texts<typeof english> = {
  'station.open': '{station}: നിലകൾ, സൈക്കിളുകൾ, നിർത്തലുകൾ',
  'station.none': 'ഈ കാലയളവിൽ {station} സ്റ്റേഷന് ബോർഡുകളോ പ്ലാനോ മെഷീൻ ഇവന്റുകളോ ഇല്ല.',
  'station.plan': 'പ്ലാൻ {planned}-ന്റെ {percent}, {delta}',
  'station.availability': 'ലഭ്യത',
  'station.effectiveness': 'ഫലപ്രാപ്തി',
  'station.stopped': 'നിർത്തിയതോ സെറ്റപ്പിലോ',
  'station.stops': 'നിർത്തലുകൾ',
  'station.stops.count': '{count} നിർത്തലുകൾ',
  'station.stops.each': 'ഓരോ നിർത്തലും',
  'station.stops.none': 'ഈ കാലയളവിൽ നിർത്തലുകൾ രേഖപ്പെടുത്തിയിട്ടില്ല.',
  'station.reason': 'കാരണം',
  'station.category': 'വിഭാഗം',
  'station.time': 'സമയം',
  'station.part': 'ആകെ സമയത്തിന്റെ',
  'station.orders': 'ഓർഡറുകൾ',
  'station.orders.none': 'ഈ കാലയളവിൽ ബോർഡുകൾ നിർമ്മിച്ചിട്ടില്ല.',
  'station.cycle': 'സൈക്കിൾ സമയങ്ങൾ',
  'station.cycle.words':
    'മധ്യസ്ഥം {median} s, ആദർശം {ideal} s; {boards}-ൽ {slow} സൈക്കിളുകൾ ആദർശത്തിന്റെ 1.5 മടങ്ങിലും മന്ദം',
  'station.cycle.legend':
    'ഓരോ വരയും ഒരു ബോർഡിൽ നിന്ന് അടുത്തതിലേക്കുള്ള സമയമാണ്; 5 മിനിറ്റിലധികമുള്ള നിർത്തലുകൾ ഒഴിവാക്കി. പടിവര: ഇനത്തിന്റെ ആദർശ സമയം.',
  'station.cycle.coarse': 'സൈക്കിൾ സമയങ്ങളില്ല: ബോർഡുകൾ ഒരേ സമയത്തോ 5 മിനിറ്റിലധികം ഇടവിട്ടോ രേഖപ്പെടുത്തി.',
  'station.cycle.none': 'സൈക്കിളുകളില്ല: രണ്ടിൽ കുറവ് ബോർഡുകൾ മാത്രം നിർമ്മിച്ചു.',
  'station.cycle.median': 'സൈക്കിൾ / ആദർശം',

  'loss.title': 'പ്രധാന നഷ്ടങ്ങൾ',
  'loss.note': 'പ്ലാൻ ചെയ്ത പ്രവർത്തന സമയം മുതൽ നല്ല ബോർഡുകളുടെ ആദർശ സമയം വരെ',
  'loss.name': 'നഷ്ടം',
  'loss.lost': 'നഷ്ടപ്പെട്ടത്',
  'loss.unit': 'ഏറ്റവും കൂടുതൽ',
  'loss.unit.value': '{unit}, {minutes} min',
  'loss.none': 'ഈ ദിവസത്തിന് നഷ്ടങ്ങൾ കണക്കാക്കിയിട്ടില്ല.',
  'loss.breakdown': 'തകരാർ നിർത്തൽ',
  'loss.setup': 'സെറ്റപ്പ്',
  'loss.minor_stop': 'ചെറിയ നിർത്തലുകൾ',
  'loss.no_order': 'ഓർഡറില്ല',
  'loss.unknown_time': 'അറിയാത്ത സമയം',
  'loss.reduced_speed': 'കുറഞ്ഞ വേഗം',
  'loss.scrap': 'സ്ക്രാപ്പ്',
  'loss.rework': 'പുനഃനിർമ്മാണം',
  'loss.verdict_unknown': 'വിധിയില്ലാത്ത ബോർഡുകൾ',
}
