import { access } from './en/access'
import { plant } from './en/plant'

export const en = { ...plant, ...access } as const
