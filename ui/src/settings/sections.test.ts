import { expect, test } from 'vitest'
import type { Permission, SessionInfo } from '../kit/session.svelte'
import { availableSections, groupsOf } from './sections'

const PLANT = ['plant']

function info(permissions: Permission[], changes: Partial<SessionInfo> = {}): SessionInfo {
  return {
    name: 'asha',
    full_name: '',
    via: 'session',
    roles: [],
    permissions: Object.fromEntries(permissions.map((name) => [name, PLANT])),
    must_change_password: false,
    needs_second_factor: false,
    has_second_factor: false,
    expires_at: null,
    has_alarms: true,
    ...changes,
  }
}

const OWN: Permission[] = ['manage_own_account', 'manage_own_tokens']
const ALL: Permission[] = [...OWN, 'manage_users', 'read_audit']

test.each<[Permission[], Partial<SessionInfo>, string[]]>([
  [OWN, {}, ['account', 'sessions', 'tokens']],
  [ALL, {}, ['account', 'sessions', 'tokens', 'users', 'roles', 'all-sessions', 'audit']],
  [ALL, { must_change_password: true }, ['account']],
  [ALL, { needs_second_factor: true }, ['account']],
  [ALL, { via: 'demo' }, []],
  [ALL, { via: 'open' }, []],
  [[], {}, []],
])('%j with %j is offered %j', (permissions, changes, sections) => {
  expect(availableSections(info(permissions, changes))).toEqual(sections)
})

test('a permission without a scope offers nothing', () => {
  const empty = info([], { permissions: { manage_users: [] } })
  expect(availableSections(empty)).toEqual([])
})

test('sections are grouped, without empty groups', () => {
  expect(groupsOf(['account', 'users', 'audit'])).toEqual([
    { title: 'settings.group.own', sections: ['account'] },
    { title: 'settings.group.plant', sections: ['users', 'audit'] },
  ])
  expect(groupsOf(['users']).map((group) => group.title)).toEqual(['settings.group.plant'])
})
