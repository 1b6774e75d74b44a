/** Hindi texts of the search palette. */
import type { Texts } from '../../kit/i18n'
import type { palette as english } from '../en/palette'

export const palette: Texts<typeof english> = {
  'key.palette': 'खोजें',
  'palette.title': 'खोजें',
  'palette.button': 'खोजें',
  'palette.more': 'और',
  'palette.hint': 'पृष्ठ, स्टेशन, ऑर्डर, सेंसर, आइटम, लॉट, तालिका या क्रिया',
  'palette.results': 'परिणाम',
  'palette.none': 'कुछ मेल नहीं खाता।',
  'palette.copy': 'इस पृष्ठ का पता कॉपी करें',
  'palette.copy.detail': 'लिंक साझा करें',
  'palette.logout': 'लॉग आउट',
  'palette.kind.page': 'पृष्ठ',
  'palette.kind.station': 'स्टेशन',
  'palette.kind.order': 'वर्क ऑर्डर',
  'palette.kind.sensor': 'सेंसर',
  'palette.kind.item': 'आइटम',
  'palette.kind.lot': 'लॉट',
  'palette.kind.table': 'तालिका',
  'palette.kind.action': 'क्रिया',
}
