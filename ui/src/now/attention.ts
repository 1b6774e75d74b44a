/** Deviations that are no alarms and still need a person: stations behind plan, silent sensors, late data. */
import { t } from '../kit/i18n'
import { int, percent } from '../kit/numbers'
import type { Station } from './stations'

export interface Deviation {
  key: string
  text: string
  detail: string
  href: string
}

/** A station is listed if it has made less than this part of its plan so far. */
const BEHIND_BELOW = 0.9

export interface Situation {
  day: string | null
  stations: readonly Station[]
  /** The part of the plan that should be made by now. */
  planShare: number
  silent: number
  sensors: number
}

/** The stations furthest behind come first. */
export function deviationsOf({
  day,
  stations,
  planShare,
  silent,
  sensors,
}: Situation): Deviation[] {
  const behind = stations
    .map((station) => ({ station, due: Math.round(station.planned * planShare) }))
    .filter(({ station, due }) => due > 0 && station.made < BEHIND_BELOW * due)
    .sort((a, b) => a.station.made - a.due - (b.station.made - b.due))
    .map(({ station, due }) => ({
      key: `behind ${station.unit}`,
      text: t('now.behind', { station: station.unit, count: int(due - station.made) }),
      detail: t('now.behind.detail', {
        made: int(station.made),
        due: int(due),
        percent: percent(station.made, due) ?? '',
      }),
      href: `/make/${encodeURIComponent(station.unit)}?t=${day}..${day}`,
    }))
  if (silent === 0) return behind
  const detail = t('now.silent.detail', { sensors: int(sensors) })
  const text = t(silent === 1 ? 'now.silent.one' : 'now.silent', { count: int(silent) })
  return [{ key: 'silent', text, detail, href: '/temps' }, ...behind]
}
