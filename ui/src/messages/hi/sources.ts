/** Hindi texts of the sources on the data page. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/sources'

export const texts: Texts<typeof english> = {
  'data.sources': 'स्रोत',
  'data.sources.unit': 'पढ़े जा रहे हैं',
  'data.sources.bad': '{count} में त्रुटियाँ',
  'data.sources.note': 'डेटाबेस, HTTP इंटरफ़ेस, टॉपिक और फ़ाइलें',
  'data.sources.none': 'अभी तक कोई स्रोत नहीं पढ़ा गया।',
  'data.sources.kind': 'प्रकार',
  'data.sources.kind.files': 'फ़ाइलें',
  'data.sources.kind.sql': 'डेटाबेस',
  'data.sources.kind.http': 'HTTP इंटरफ़ेस',
  'data.sources.kind.topics': 'टॉपिक',
  'data.sources.kind.mqtt': 'MQTT टॉपिक',
  'data.sources.state.ok': 'चालू',
  'data.sources.state.late': 'विलंबित',
  'data.sources.state.failing': 'विफल',
  'data.sources.state.refused': 'लॉगिन अस्वीकृत',
  'data.sources.since': '{at} से',
  'data.sources.lag': 'पीछे',
  'data.sources.unread': '{count} संदेश',
  'data.sources.read': 'पिछली बार पढ़ा',
  'data.sources.next': 'अगली बार',
  'data.sources.changed': 'पिछले नए रिकॉर्ड',
  'data.sources.records': 'नए रिकॉर्ड',
  'data.sources.rate': 'दर',
  'data.sources.address': 'पता',
}
