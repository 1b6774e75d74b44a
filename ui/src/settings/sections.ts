/** The sections of the settings, and who is offered them. */
import type { MessageKey } from '../kit/i18n'
import type { SessionInfo } from '../kit/session.svelte'

export const SECTIONS = [
  'account',
  'sessions',
  'tokens',
  'users',
  'roles',
  'all-sessions',
  'audit',
] as const
export type Section = (typeof SECTIONS)[number]

const OWN: readonly Section[] = ['account', 'sessions', 'tokens']

/**
 * The sections that a person may use. A program without login has none: it has no accounts, and the
 * first user has to be an administrator, whom the one-time link creates.
 */
export function availableSections(info: SessionInfo): Section[] {
  const may = (permission: keyof SessionInfo['permissions']) =>
    (info.permissions[permission]?.length ?? 0) > 0
  if (info.via === 'open' || info.via === 'demo') return []
  const hasAccount = info.via === 'session' && may('manage_own_account')
  if (info.must_change_password || info.needs_second_factor) return hasAccount ? ['account'] : []
  const manages = may('manage_users')
  const isOffered: Record<Section, boolean> = {
    account: hasAccount,
    sessions: hasAccount,
    tokens: info.via === 'session' && may('manage_own_tokens'),
    users: manages,
    roles: manages,
    'all-sessions': manages,
    audit: may('read_audit'),
  }
  return SECTIONS.filter((section) => isOffered[section])
}

export interface SectionGroup {
  title: MessageKey
  sections: Section[]
}

/** The sections under their headings. */
export function groupsOf(sections: readonly Section[]): SectionGroup[] {
  const own = sections.filter((section) => OWN.includes(section))
  const plant = sections.filter((section) => !OWN.includes(section))
  const groups: SectionGroup[] = [
    { title: 'settings.group.own', sections: own },
    { title: 'settings.group.plant', sections: plant },
  ]
  return groups.filter((group) => group.sections.length > 0)
}
