import { access } from './en/access'
import { alarms } from './en/alarms'
import { plant } from './en/plant'

export const en = { ...plant, ...access, ...alarms } as const
