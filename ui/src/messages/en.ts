import { access } from './en/access'
import { alarms } from './en/alarms'
import { orders } from './en/orders'
import { plant } from './en/plant'
import { quality } from './en/quality'

export const en = { ...plant, ...access, ...alarms, ...orders, ...quality } as const
