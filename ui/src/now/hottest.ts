/** The hottest readings as a grid: a row per plant, a column per component and lane. */
import type { LaneStats } from '../temps/sensors'

export interface HotColumn {
  component: string
  lane: string
}

export interface HotRow {
  plant: string
  /** By `columnKey`. */
  cells: ReadonlyMap<string, LaneStats>
}

export const columnKey = ({ component, lane }: HotColumn): string => `${component} ${lane}`

const natural = (one: string, other: string): number =>
  one.localeCompare(other, 'en', { numeric: true })

export function hotGrid(lanes: readonly LaneStats[]): { columns: HotColumn[]; rows: HotRow[] } {
  const columns = new Map<string, HotColumn>()
  const rows = new Map<string, Map<string, LaneStats>>()
  for (const lane of lanes) {
    const column = { component: lane.component, lane: lane.lane }
    columns.set(columnKey(column), column)
    const cells = rows.get(lane.plant) ?? new Map()
    cells.set(columnKey(column), lane)
    rows.set(lane.plant, cells)
  }
  return {
    columns: [...columns.values()].sort(
      (a, b) => natural(a.component, b.component) || natural(a.lane, b.lane),
    ),
    rows: [...rows]
      .map(([plant, cells]) => ({ plant, cells }))
      .sort((a, b) => natural(a.plant, b.plant)),
  }
}

/** Adjacent columns of one component. */
export function spansOf(columns: readonly HotColumn[]): { component: string; lanes: number }[] {
  const spans: { component: string; lanes: number }[] = []
  for (const { component } of columns) {
    const last = spans.at(-1)
    if (last?.component === component) last.lanes += 1
    else spans.push({ component, lanes: 1 })
  }
  return spans
}

/** The lane with the highest reading; null without readings. */
export function hottestOf(lanes: readonly LaneStats[]): LaneStats | null {
  return lanes.reduce<LaneStats | null>(
    (most, lane) =>
      lane.temp_c_max !== null && lane.temp_c_max > (most?.temp_c_max ?? Number.NEGATIVE_INFINITY)
        ? lane
        : most,
    null,
  )
}
