import type { Catalogue } from '../kit/i18n'
import { access } from './hi/access'
import { alarms } from './hi/alarms'
import { boards } from './hi/boards'
import { explore } from './hi/explore'
import { orders } from './hi/orders'
import { palette } from './hi/palette'
import { plant } from './hi/plant'
import { plantBoards } from './hi/plant-boards'
import { quality } from './hi/quality'
import { reports } from './hi/reports'
import { sources } from './hi/sources'
import { station } from './hi/station'

/**
 * Hindi texts. A native speaker who knows the plant should review them. Terms, in all files alike:
 * plant संयंत्र · shift शिफ्ट · station स्टेशन · lane लेन · unit इकाई · board बोर्ड · item आइटम · lot लॉट ·
 * bin बिन · order ऑर्डर · plan योजना · made बने · rejected अस्वीकृत · stop ठहराव · setup सेटअप · state स्थिति ·
 * status दशा · unknown अज्ञात · alarm अलार्म · acknowledge स्वीकार करें · shelve स्थगित करें · suppress दबाना ·
 * flood बाढ़ · limit सीमा · reading रीडिंग · silent मौन · report रिपोर्ट · table तालिका · row पंक्ति ·
 * dump डंप · version संस्करण · provisional अनंतिम · certified प्रमाणित · restated संशोधित · role भूमिका ·
 * permission अनुमति
 */
export const hi: Catalogue = {
  ...access,
  ...alarms,
  ...boards,
  ...plantBoards,
  ...explore,
  ...orders,
  ...palette,
  ...plant,
  ...quality,
  ...reports,
  ...sources,
  ...station,
}
