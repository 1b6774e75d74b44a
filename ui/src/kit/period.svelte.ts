import { orEmpty, tableRows } from './api'
import { app } from './app.svelte'
import { live } from './live.svelte'
import {
  type Choice,
  neighbourShift,
  type Period,
  parseTime,
  periodOf,
  type ShiftHour,
  shiftRunsOf,
  shiftText,
  type Wanted,
} from './period'
import { Resource } from './resource.svelte'
import { router } from './router.svelte'
import { dayOf } from './time'

/** Hours that are read to find the newest shifts. */
const HOURS_MAX = 400

/** The time that a page shows, by the parameter `t`, with a choice of the page as default. */
export class PeriodState {
  readonly initial: Choice
  #hours: Resource<{ rows: ShiftHour[] }>

  /** The shifts are read only if `isNeeded`. */
  constructor(initial: Choice, isNeeded: () => boolean = () => true) {
    this.initial = initial
    const query = {
      columns: ['production_day', 'day_local', 'hour_local', 'shift'],
      distinct: true,
      order: '-day_local,-hour_local',
      limit: HOURS_MAX,
    }
    this.#hours = new Resource(() =>
      isNeeded() ? () => orEmpty(tableRows<ShiftHour>('gold.oee_hourly', query)) : null,
    )
  }

  /** The newest hours with data, each with its shift. */
  readonly hours = $derived.by(() => this.#hours.data?.rows ?? [])
  readonly runs = $derived.by(() => shiftRunsOf(this.hours))
  readonly text = $derived(router.get('t'))
  readonly isInvalid = $derived(this.text !== null && parseTime(this.text) === null)
  readonly today = $derived.by(() => dayOf(live.now() ?? Date.now(), app.zone))

  readonly wanted = $derived.by((): Wanted => {
    const parsed = this.text === null ? null : parseTime(this.text)
    return parsed ?? { kind: 'choice', choice: this.initial }
  })

  /** Null until the shifts are known, and without data. */
  readonly period = $derived.by((): Period | null =>
    this.#hours.data ? periodOf(this.wanted, this.runs, this.today) : null,
  )

  /** Whether a period is that of a choice. */
  isShown(choice: Choice, shown: Period | null): boolean {
    const own = periodOf({ kind: 'choice', choice }, this.runs, this.today)
    if (!own || !shown) return false
    return own.from === shown.from && own.to === shown.to && own.shift === shown.shift
  }

  get error() {
    return this.#hours.error
  }

  /** There is no data at all, or none for the choice. */
  get isEmpty(): boolean {
    return this.#hours.data !== undefined && this.period === null
  }

  /** Shows the shift before or after. */
  step(by: 1 | -1): void {
    const next = this.period && neighbourShift(this.period, this.runs, by)
    if (next) router.set({ t: shiftText(next) })
  }
}
