import { access } from './en/access'
import { alarms } from './en/alarms'
import { plant } from './en/plant'
import { reports } from './en/reports'

export const en = { ...plant, ...access, ...alarms, ...reports } as const
