/** Malayalam texts of the sources on the data page. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/sources'

export const texts: Texts<typeof english> = {
  'data.sources': 'ഉറവിടങ്ങൾ',
  'data.sources.unit': 'വായിക്കുന്നു',
  'data.sources.bad': '{count} എണ്ണത്തിൽ പിശക്',
  'data.sources.note': 'ഡാറ്റാബേസുകൾ, HTTP ഇന്റർഫേസുകൾ, ടോപ്പിക്കുകൾ, ഫയലുകൾ',
  'data.sources.none': 'ഇതുവരെ ഒരു ഉറവിടവും വായിച്ചിട്ടില്ല.',
  'data.sources.kind': 'തരം',
  'data.sources.kind.files': 'ഫയലുകൾ',
  'data.sources.kind.sql': 'ഡാറ്റാബേസ്',
  'data.sources.kind.http': 'HTTP ഇന്റർഫേസ്',
  'data.sources.kind.topics': 'ടോപ്പിക്കുകൾ',
  'data.sources.kind.mqtt': 'MQTT ടോപ്പിക്കുകൾ',
  'data.sources.state.ok': 'പ്രവർത്തിക്കുന്നു',
  'data.sources.state.late': 'വൈകി',
  'data.sources.state.failing': 'പരാജയം',
  'data.sources.state.refused': 'ലോഗിൻ നിരസിച്ചു',
  'data.sources.since': '{at} മുതൽ',
  'data.sources.lag': 'പിന്നിൽ',
  'data.sources.unread': '{count} സന്ദേശങ്ങൾ',
  'data.sources.read': 'അവസാന വായന',
  'data.sources.next': 'അടുത്ത വായന',
  'data.sources.changed': 'അവസാന പുതിയ രേഖകൾ',
  'data.sources.records': 'പുതിയ രേഖകൾ',
  'data.sources.rate': 'നിരക്ക്',
  'data.sources.address': 'വിലാസം',
}
