/** What the API says of temperatures, and what the pages make of it. */

export interface Window {
  readings: number
  temp_c_min: number | null
  temp_c_max: number | null
  temp_c_mean: number | null
  temp_c_variance: number | null
  temp_c_sd: number | null
}

export interface OverLimit {
  component: string
  sensors: number
  over_limit: number
}

export interface Hottest extends Window {
  plant: string
  lane: string
  component: string
  sensors: number
  silent: number
  over_limit: number
  temp_c: number | null
  at: string
}

export interface SensorNow extends Window {
  sensor: string
  plant: string
  lane: string
  component: string
  manufacturer: string
  temp_c: number
  at: string
  age_s: number
  state: 'live' | 'silent'
  is_over_limit: boolean
  seconds_over_limit: number
  rate_c_per_min: number | null
}

export interface Now {
  at: string | null
  over_limit_from: string | null
  hottest_from: string | null
  limit_c: number
  over_limit: OverLimit[]
  hottest: Hottest[]
  sensors: SensorNow[]
  link: { state: 'connected' | 'lost' | 'none'; reason: string | null; lag_messages: number }
  rejected: number
}

export interface Point {
  at: string
  readings: number
  temp_c_min: number
  temp_c_max: number
  temp_c_mean: number
}

export interface History {
  sensor: string
  from: string
  to: string
  bucket_s: number
  sources: string[]
  limit_c: number
  points: Point[]
}

/** A sensor by the levels of its name. */
export interface Sensor {
  /** Its place in the frames of the stream. */
  place: number
  name: string
  plant: string
  lane: string
  component: string
  manufacturer: string
}

export interface Filter {
  plant: string | null
  lane: string | null
  component: string | null
}

/** Degrees below the limit from which a sensor counts as near it. */
export const NEAR_C = 5

export function parse(name: string, place: number): Sensor {
  const [plant = '', lane = '', component = '', ...rest] = name.split('.')
  return { place, name, plant, lane, component, manufacturer: rest.join('.') }
}

const natural = (one: string, other: string) => one.localeCompare(other, 'en', { numeric: true })

/** Plant, then lane, then component: an order that never changes while live. */
export function inOrder(sensors: readonly Sensor[]): Sensor[] {
  return [...sensors].sort(
    (one, other) =>
      natural(one.plant, other.plant) ||
      natural(one.lane, other.lane) ||
      natural(one.component, other.component) ||
      natural(one.manufacturer, other.manufacturer),
  )
}

export function passes(filter: Filter, of: { plant: string; lane: string; component: string }) {
  return (
    (!filter.plant || filter.plant === of.plant) &&
    (!filter.lane || filter.lane === of.lane) &&
    (!filter.component || filter.component === of.component)
  )
}

/** The values of one level, each once, in their order. */
export function values(sensors: readonly Sensor[], level: keyof Filter): string[] {
  return [...new Set(sensors.map((one) => one[level]))].sort(natural)
}

export interface Lane {
  plant: string
  lane: string
  sensors: Sensor[]
}

/** Sensors by plant and lane; they are in order already. */
export function lanes(sensors: readonly Sensor[]): Lane[] {
  const found: Lane[] = []
  for (const sensor of sensors) {
    const last = found.at(-1)
    if (last && last.plant === sensor.plant && last.lane === sensor.lane) last.sensors.push(sensor)
    else found.push({ plant: sensor.plant, lane: sensor.lane, sensors: [sensor] })
  }
  return found
}

export type State = 'normal' | 'near' | 'over' | 'silent' | 'unknown'

export function stateOf(value: number, limit: number, silent: boolean): State {
  if (Number.isNaN(value)) return 'unknown'
  if (silent) return 'silent'
  if (value > limit) return 'over'
  return value > limit - NEAR_C ? 'near' : 'normal'
}

/** solder_paste_printer as people read it. */
export const spoken = (component: string): string => component.replaceAll('_', ' ')

/** 3 min, 12 s: how long ago, in the largest unit that fits. */
export function age(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`
  if (seconds < 120) return `${Math.floor(seconds)} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}
