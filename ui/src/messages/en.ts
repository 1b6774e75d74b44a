import { texts as access } from './en/access'
import { texts as alarms } from './en/alarms'
import { texts as base } from './en/base'
import { texts as boards } from './en/boards'
import { texts as editor } from './en/editor'
import { texts as explore } from './en/explore'
import { texts as orders } from './en/orders'
import { texts as plantBoards } from './en/plant-boards'
import { texts as quality } from './en/quality'
import { texts as reports } from './en/reports'
import { texts as sources } from './en/sources'
import { texts as station } from './en/station'

/** All texts: their keys are the type of a catalogue. The pages load them in parts. */
export const en = {
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
} as const
