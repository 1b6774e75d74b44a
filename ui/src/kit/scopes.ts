/** Roles and the parts of the plant they are held in, as text. */
import { t } from './i18n'
import type { RoleAssignment } from './session.svelte'

/** `line:SMT/Assembly` as "line Assembly, area SMT". */
export function scopeText(scope: string): string {
  const [kind = '', ...rest] = scope.split(':')
  const name = rest.join(':')
  if (kind === 'area') return t('scope.area', { area: name })
  if (kind !== 'line') return scope === 'plant' ? t('scope.plant') : scope
  const slash = name.indexOf('/')
  return t('scope.line', { area: name.slice(0, slash), line: name.slice(slash + 1) })
}

/** A role with its scope: "Operator, line Assembly, area SMT". */
export const roleText = ({ role, scope }: RoleAssignment): string =>
  t('scope.role', { role: t(`role.${role}`), scope: scopeText(scope) })

export const roleTexts = (roles: readonly RoleAssignment[]): string[] => roles.map(roleText)
