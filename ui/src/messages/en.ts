import { access } from './en/access'
import { alarms } from './en/alarms'
import { boards } from './en/boards'
import { explore } from './en/explore'
import { orders } from './en/orders'
import { palette } from './en/palette'
import { plant } from './en/plant'
import { quality } from './en/quality'
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
  ...boards,
} as const
