/** Types of the temperature API, and functions on sensors. */
import type { Answer } from '../kit/schema'

export type WindowStats = Answer<'Window'>

export type OverLimit = Answer<'OverLimit'>

export type LaneStats = Answer<'Hottest'>

export type SensorNow = Answer<'Sensor'>

export type TemperaturesNow = Answer<
  'NowAnswer',
  {
    hottest: LaneStats[]
    sensors: SensorNow[]
    link: Answer<'LinkAnswer', { state: 'connected' | 'lost' | 'failed' | 'none' }>
  }
>

export interface Point {
  at: string
  readings: number
  temp_c_min: number
  temp_c_max: number
  temp_c_mean: number
}

export interface TemperatureHistory {
  sensor: string
  from: string
  to: string
  bucket_s: number
  sources: string[]
  limit_c: number
  points: Point[]
}

/** A sensor with the levels of its name. */
export interface Sensor {
  /** Its index in the frames of the live stream. */
  index: number
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

/** A sensor this close below its limit is near the limit. */
export const NEAR_C = 5

export function parse(name: string, index: number): Sensor {
  const [plant = '', lane = '', component = '', ...rest] = name.split('.')
  return { index, name, plant, lane, component, manufacturer: rest.join('.') }
}

const natural = (one: string, other: string) => one.localeCompare(other, 'en', { numeric: true })

/** Sorted by plant, lane and component: an order that does not depend on readings. */
export function sortSensors(sensors: readonly Sensor[]): Sensor[] {
  return [...sensors].sort(
    (one, other) =>
      natural(one.plant, other.plant) ||
      natural(one.lane, other.lane) ||
      natural(one.component, other.component) ||
      natural(one.manufacturer, other.manufacturer),
  )
}

export function matches(filter: Filter, row: { plant: string; lane: string; component: string }) {
  return (
    (!filter.plant || filter.plant === row.plant) &&
    (!filter.lane || filter.lane === row.lane) &&
    (!filter.component || filter.component === row.component)
  )
}

/** The distinct values of one level, sorted. */
export function values(sensors: readonly Sensor[], level: keyof Filter): string[] {
  return [...new Set(sensors.map((one) => one[level]))].sort(natural)
}

/** Groups of sorted sensors with the same title. */
export function groupSensors(
  sensors: readonly Sensor[],
  titleOf: (sensor: Sensor) => string,
): { title: string; sensors: Sensor[] }[] {
  const found: { title: string; sensors: Sensor[] }[] = []
  for (const sensor of sensors) {
    const title = titleOf(sensor)
    const last = found.at(-1)
    if (last?.title === title) last.sensors.push(sensor)
    else found.push({ title, sensors: [sensor] })
  }
  return found
}

export type State = 'normal' | 'near' | 'over' | 'silent' | 'unknown'

export function sensorState(value: number, limit: number, silent: boolean): State {
  if (Number.isNaN(value)) return 'unknown'
  if (silent) return 'silent'
  if (value > limit) return 'over'
  return value > limit - NEAR_C ? 'near' : 'normal'
}

/** `solder_paste_printer` as "solder paste printer". */
export const displayName = (component: string): string => component.replaceAll('_', ' ')

/** An age in its largest unit: 12 s, 3 min, 25 h. */
export function formatAge(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`
  if (seconds < 120) return `${Math.floor(seconds)} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}
