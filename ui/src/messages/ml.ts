import type { Catalogue } from '../kit/i18n'
import { texts as access } from './ml/access'
import { texts as alarms } from './ml/alarms'
import { texts as base } from './ml/base'
import { texts as boards } from './ml/boards'
import { texts as editor } from './ml/editor'
import { texts as explore } from './ml/explore'
import { texts as orders } from './ml/orders'
import { texts as plantBoards } from './ml/plant-boards'
import { texts as quality } from './ml/quality'
import { texts as reports } from './ml/reports'
import { texts as sources } from './ml/sources'
import { texts as station } from './ml/station'

/**
 * Malayalam texts. A native speaker who knows the plant should review them. Terms, in all files alike:
 * plant പ്ലാന്റ് · shift ഷിഫ്റ്റ് · station സ്റ്റേഷൻ · lane ലെയിൻ · unit യൂണിറ്റ് · board ബോർഡ് · item ഇനം ·
 * lot ലോട്ട് · bin ബിൻ · order ഓർഡർ · plan പ്ലാൻ · made നിർമ്മിച്ചത് · rejected നിരസിച്ചത് · stop നിർത്തൽ ·
 * setup സെറ്റപ്പ് · state നില · status സ്ഥിതി · unknown അറിയാത്തത് · alarm അലാറം · acknowledge അംഗീകരിക്കുക ·
 * shelve മാറ്റിവയ്ക്കുക · suppress തടയുക · flood പ്രളയം · limit പരിധി · reading റീഡിംഗ് · silent നിശ്ശബ്ദം ·
 * report റിപ്പോർട്ട് · table പട്ടിക · row വരി · dump ഡമ്പ് · version പതിപ്പ് · provisional താൽക്കാലികം ·
 * certified അന്തിമം · restated തിരുത്തിയത് · role റോൾ · permission അനുമതി
 */
export const ml: Catalogue = {
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
