import { access } from './en/access'
import { alarms } from './en/alarms'
import { orders } from './en/orders'
import { plant } from './en/plant'

export const en = { ...plant, ...access, ...alarms, ...orders } as const
