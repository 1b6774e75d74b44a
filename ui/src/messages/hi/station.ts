/** Hindi texts of the page of one station. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/station'

export const texts: Texts<typeof english> = {
  'station.open': '{station} की स्थितियाँ, चक्र और ठहराव',
  'station.none': 'इस अवधि में {station} के न बोर्ड हैं, न योजना, न मशीन घटनाएँ।',
  'station.plan': 'योजना {planned} का {percent}, {delta}',
  'station.availability': 'उपलब्धता',
  'station.effectiveness': 'प्रभावशीलता',
  'station.stopped': 'ठहरा या सेटअप में',
  'station.stops': 'ठहराव',
  'station.stops.count': '{count} ठहराव',
  'station.stops.each': 'हर ठहराव',
  'station.stops.none': 'इस अवधि में कोई ठहराव दर्ज नहीं है।',
  'station.reason': 'कारण',
  'station.category': 'श्रेणी',
  'station.time': 'समय',
  'station.part': 'कुल समय का',
  'station.orders': 'ऑर्डर',
  'station.orders.none': 'इस अवधि में कोई बोर्ड नहीं बना।',
  'station.cycle': 'चक्र समय',
  'station.cycle.words':
    'माध्यिका {median} s, आदर्श {ideal} s; {boards} में से {slow} चक्र आदर्श के 1.5 गुना से धीमे',
  'station.cycle.legend':
    'हर रेखा एक बोर्ड से अगले तक का समय है; 5 min से लंबे ठहराव छोड़े गए हैं। सीढ़ी रेखा: आइटम का आदर्श समय।',
  'station.cycle.coarse': 'चक्र समय नहीं: बोर्ड एक ही समय पर या 5 min से अधिक अंतर पर दर्ज हैं।',
  'station.cycle.none': 'कोई चक्र नहीं: दो से कम बोर्ड बने।',
  'station.cycle.median': 'चक्र / आदर्श',

  'loss.title': 'शीर्ष हानियाँ',
  'loss.note': 'नियोजित कार्य समय से अच्छे बोर्ड के आदर्श समय तक',
  'loss.name': 'हानि',
  'loss.lost': 'खोया',
  'loss.unit': 'सर्वाधिक',
  'loss.unit.value': '{unit}, {minutes} min',
  'loss.none': 'इस दिन की हानियाँ गणना नहीं हुईं।',
  'loss.breakdown': 'खराबी',
  'loss.setup': 'सेटअप',
  'loss.minor_stop': 'छोटे ठहराव',
  'loss.no_order': 'ऑर्डर नहीं',
  'loss.unknown_time': 'अज्ञात समय',
  'loss.reduced_speed': 'घटी गति',
  'loss.scrap': 'स्क्रैप',
  'loss.rework': 'पुनःकार्य',
  'loss.verdict_unknown': 'बिना निर्णय के बोर्ड',
}
