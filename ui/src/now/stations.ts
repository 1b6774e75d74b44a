/** The stations of a day: their state at the end of the records, and their boards against the plan. */
import type { DayRow } from '../production/boards'
import { byGroup } from '../production/boards'
import type { Kpi, KpiRow } from '../production/kpi'
import { byUnit, type LedgerRow, type Reach, reach, type Span } from '../production/ledger'

export interface Station {
  unit: string
  planned: number
  made: number
  oee: Kpi | null
  /** The state at the end of the records; null without machine events. */
  last: Span | null
  /** States in the time of the strip. */
  spans: readonly Span[]
}

export interface Strip {
  stations: Station[]
  /** The time that the strip shows: that of the shifts, else all; null without machine events. */
  reach: Reach | null
  /** When the records end, in milliseconds; null without machine events. */
  until_ms: number | null
}

/** All stations that have boards, a plan, key figures or machine events on a day, by name. */
export function stationsOf(
  days: readonly DayRow[],
  kpis: readonly KpiRow[],
  ledger: readonly LedgerRow[],
): Strip {
  const groups = new Map(byGroup(days, 'station').map((group) => [group.key ?? '', group]))
  const oee = new Map(kpis.map((row) => [row.unit ?? '', row.kpis.oee ?? null]))
  const inShift = ledger.filter((row) => row.shift !== null)
  const shown = inShift.length > 0 ? inShift : ledger
  const strips = new Map(byUnit(shown).map((unit) => [unit.unit, unit.spans]))
  const lasts = new Map(byUnit(ledger).map((unit) => [unit.unit, unit.spans.at(-1) ?? null]))
  const names = new Set([...groups.keys(), ...oee.keys(), ...lasts.keys()])
  names.delete('')
  const stations = [...names].sort(natural).map((unit) => ({
    unit,
    planned: groups.get(unit)?.planned ?? 0,
    made: groups.get(unit)?.actual ?? 0,
    oee: oee.get(unit) ?? null,
    last: lasts.get(unit) ?? null,
    spans: strips.get(unit) ?? [],
  }))
  return { stations, reach: reach(shown), until_ms: reach(ledger)?.to_ms ?? null }
}

const natural = (one: string, other: string): number =>
  one.localeCompare(other, 'en', { numeric: true })
