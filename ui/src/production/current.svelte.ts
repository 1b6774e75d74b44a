import { alarmStore } from '../alarms/store.svelte'
import { allRows, fetchKpis, orEmpty, type TableResponse } from '../kit/api'
import { app } from '../kit/app.svelte'
import { Resource } from '../kit/resource.svelte'
import { session } from '../kit/session.svelte'
import { dayOf, hourOf } from '../kit/time'
import { currentDay, HOURS_OF_DAY, outputOf } from '../now/shift'
import { stationsOf } from '../now/stations'
import { byHour, type DayRow, type DaySum, type HourRow } from './boards'
import { loadDays } from './days'
import type { KpiAnswer } from './kpi'
import type { LedgerRow } from './ledger'

const KPIS = 'oee,availability,effectiveness,quality_ratio,first_pass_yield'
const LEDGER = 'unit,from_at,to_at,category,reason,state,work_order,shift,duration_s'.split(',')
const MINUTE_MS = 60_000

/** The current day of the plant, or of one station: boards, key figures and states. For one component. */
export class CurrentDay {
  readonly mayRead = $derived.by(() => session.may('read_tables'))
  /** Server time, to the minute, so that the figures of the day are computed once a minute. */
  readonly now_ms = $derived(Math.floor(alarmStore.now_ms / MINUTE_MS) * MINUTE_MS)
  readonly today = $derived(dayOf(this.now_ms, app.zone))

  #days: Resource<DaySum[]>
  #hourly: Resource<TableResponse<HourRow>>
  #daily: Resource<TableResponse<DayRow>>
  #ledger: Resource<TableResponse<LedgerRow>>
  #unitKpis: Resource<KpiAnswer>
  #plantKpis: Resource<KpiAnswer>

  /** `station` returns null for the whole plant. */
  constructor(station: () => string | null = () => null) {
    this.#days = new Resource(() => (this.mayRead ? loadDays(session.may('run_sql')) : null))
    const boards = <T>(table: string, order: string) =>
      new Resource(() => {
        const filter = { day_local: this.day, station: station() }
        return this.day ? () => allRows<T>(table, { filter, order }) : null
      })
    this.#hourly = boards<HourRow>('gold.production_hourly', 'hour_local,station,item,work_order')
    this.#daily = boards<DayRow>('gold.production_daily', 'station,item')
    this.#ledger = new Resource(() => {
      const filter = { production_day: this.day, unit: station() }
      const query = { columns: LEDGER, filter, order: 'unit,from_at' }
      return this.day ? () => orEmpty(allRows<LedgerRow>('gold.time_ledger', query)) : null
    })
    const kpis = (level: string, may: () => boolean) =>
      new Resource(() => {
        const date = this.day
        if (!date || !may()) return null
        const unit = station()
        const query = {
          level,
          granularity: 'day',
          from: date,
          to: date,
          kpi: KPIS,
          ...(unit && { unit }),
        }
        return () => fetchKpis<KpiAnswer>(query)
      })
    this.#unitKpis = kpis('unit', () => true)
    this.#plantKpis = kpis('plant', () => session.mayEverywhere('read_tables'))
  }

  readonly day = $derived.by(() =>
    this.now_ms > 0 && this.#days.data ? currentDay(this.#days.data, this.today) : null,
  )
  readonly hours = $derived.by(() => byHour(this.#hourly.data?.rows ?? []))
  readonly output = $derived.by(() => {
    if (!this.day || !this.#hourly.data) return null
    return outputOf(
      this.hours,
      this.day < this.today ? HOURS_OF_DAY : hourOf(this.now_ms, app.zone),
    )
  })
  readonly strip = $derived.by(() =>
    stationsOf(
      this.#daily.data?.rows ?? [],
      this.#unitKpis.data?.rows ?? [],
      this.#ledger.data?.rows ?? [],
    ),
  )
  readonly ledgerRows = $derived.by(() => this.#ledger.data?.rows ?? [])
  readonly plantKpis = $derived.by(() => this.#plantKpis.data?.rows[0] ?? null)
  readonly error = $derived.by(() => this.#days.error ?? this.#hourly.error ?? this.#daily.error)
  /** There is no day with data. */
  readonly isEmpty = $derived.by(
    () => this.#days.data !== undefined && this.#days.data.length === 0,
  )
  readonly isLoaded = $derived.by(
    () =>
      this.#hourly.data !== undefined &&
      this.#daily.data !== undefined &&
      this.#ledger.data !== undefined &&
      (this.#plantKpis.data !== undefined || !session.mayEverywhere('read_tables')),
  )
  readonly areHoursBusy = $derived.by(() => this.#hourly.busy)
  readonly areStationsBusy = $derived.by(
    () => this.#daily.busy || this.#ledger.busy || this.#unitKpis.busy,
  )
}
