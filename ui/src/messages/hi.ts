import type { Catalogue } from '../kit/i18n'
import { texts as access } from './hi/access'
import { texts as alarms } from './hi/alarms'
import { texts as base } from './hi/base'
import { texts as boards } from './hi/boards'
import { texts as editor } from './hi/editor'
import { texts as explore } from './hi/explore'
import { texts as orders } from './hi/orders'
import { texts as plantBoards } from './hi/plant-boards'
import { texts as quality } from './hi/quality'
import { texts as reports } from './hi/reports'
import { texts as sources } from './hi/sources'
import { texts as station } from './hi/station'

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
  ...base,
  ...boards,
  ...editor,
  ...explore,
  ...orders,
  ...plantBoards,
  ...quality,
  ...reports,
  ...sources,
  ...station,
}
