import { access } from './en/access'
import { alarms } from './en/alarms'
import { boards } from './en/boards'
import { explore } from './en/explore'
import { orders } from './en/orders'
import { palette } from './en/palette'
import { plant } from './en/plant'
import { plantBoards } from './en/plant-boards'
import { quality } from './en/quality'
import { reports } from './en/reports'
import { sources } from './en/sources'
import { station } from './en/station'

export const en = {
  ...plant,
  ...access,
  ...alarms,
  ...orders,
  ...quality,
  ...station,
  ...explore,
  ...palette,
  ...reports,
  ...sources,
  ...boards,
  ...plantBoards,
} as const
