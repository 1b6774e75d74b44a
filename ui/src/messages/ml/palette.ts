/** Malayalam texts of the search palette. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/palette'

export const texts: Texts<typeof english> = {
  'key.palette': 'തിരയുക',
  'palette.title': 'തിരയുക',
  'palette.button': 'തിരയുക',
  'palette.more': 'കൂടുതൽ',
  'palette.hint': 'പേജ്, റിപ്പോർട്ട്, ബോർഡ്, സ്റ്റേഷൻ, അലാറം, ഓർഡർ, സെൻസർ, ഇനം, ലോട്ട്, പട്ടിക, പ്രവൃത്തി',
  'palette.results': 'ഫലങ്ങൾ',
  'palette.none': 'ഒന്നും യോജിക്കുന്നില്ല.',
  'palette.copy': 'ഈ പേജിന്റെ വിലാസം പകർത്തുക',
  'palette.copy.detail': 'ലിങ്ക് പങ്കിടുക',
  'palette.download': '{report}, ഇന്നലത്തേത്, {format}',
  'palette.settings': 'ക്രമീകരണങ്ങൾ: {section}',
  'palette.board.wall': 'ചുമർ ബോർഡ് {name}',
  'palette.board.operator': 'ഓപ്പറേറ്റർ ബോർഡ് {name}',
  'palette.logout': 'പുറത്തുകടക്കുക',
  'palette.kind.page': 'പേജ്',
  'palette.kind.report': 'റിപ്പോർട്ട്',
  'palette.kind.board': 'ബോർഡ്',
  'palette.kind.alarm': 'അലാറം',
  'palette.kind.station': 'സ്റ്റേഷൻ',
  'palette.kind.order': 'വർക്ക് ഓർഡർ',
  'palette.kind.sensor': 'സെൻസർ',
  'palette.kind.item': 'ഇനം',
  'palette.kind.lot': 'ലോട്ട്',
  'palette.kind.table': 'പട്ടിക',
  'palette.kind.action': 'പ്രവൃത്തി',
}
