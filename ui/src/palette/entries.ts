/** What the palette finds, by what the person may read. Read when the palette is opened for the first time. */
import { hrefOf, isOpen, objectText } from '../alarms/alarm'
import { alarmStore } from '../alarms/store.svelte'
import type { Answers } from '../gen/api'
import { allRows, type Row, type TableQuery } from '../kit/api'
import { API_ROOT, call } from '../kit/http'
import { t } from '../kit/i18n'
import { session } from '../kit/session.svelte'
import type { Entry, Kind } from './search'

/** Names of one kind that are read, at most. */
const NAMES_MAX = 50_000

interface Source {
  kind: Kind
  table: string
  column: string
  needsWholePlant?: boolean
  href: (name: string) => string
}

const SOURCES: readonly Source[] = [
  { kind: 'station', table: 'gold.oee_shift', column: 'unit', href: (name) => `/make/${name}` },
  {
    kind: 'order',
    table: 'gold.work_order_progress',
    column: 'work_order',
    needsWholePlant: true,
    href: (name) => `/orders/${name}`,
  },
  {
    kind: 'item',
    table: 'gold.production_daily',
    column: 'item',
    href: (name) => `/make?by=item&item=${name}`,
  },
  {
    kind: 'lot',
    table: 'gold.inventory_by_lot',
    column: 'lot_no',
    needsWholePlant: true,
    href: (name) => `/stock?q=${name}`,
  },
]

async function names({ kind, table, column, href }: Source): Promise<Entry[]> {
  const query: TableQuery = { columns: [column], distinct: true, order: column }
  const { rows } = await allRows<Row>(table, query, NAMES_MAX)
  return rows.flatMap((row) => {
    const name = row[column]
    return typeof name === 'string' ? [{ kind, name, href: href(encodeURIComponent(name)) }] : []
  })
}

async function sensors(): Promise<Entry[]> {
  const { sensors } = await call<{ sensors: { sensor: string; component: string }[] }>(
    'GET',
    '/temperatures/now',
  )
  return sensors.map(({ sensor }) => ({
    kind: 'sensor',
    name: sensor,
    href: `/temps/${encodeURIComponent(sensor)}`,
  }))
}

async function tables(): Promise<Entry[]> {
  const { tables } = await call<{
    tables: { schema: string; table: string; description: string | null }[]
  }>('GET', '/tables')
  return tables.map(({ schema, table }) => ({
    kind: 'table',
    name: `${schema}.${table}`,
    href: `/data?view=tables&table=${schema}.${table}`,
  }))
}

/** Reports, and their files of yesterday: the report `xlsx yesterday`. */
async function reports(): Promise<Entry[]> {
  const { reports } = await call<Answers['GET /reports']>('GET', '/reports')
  return reports.flatMap(({ name, title, description, parameters }) => {
    const path = `/reports/${encodeURIComponent(name)}`
    const isDaily = parameters.some((one) => one.kind === 'day' && one.default === 'yesterday')
    const formats = isDaily && session.may('download') ? ['xlsx', 'pdf'] : []
    const files = formats.map((format): Entry => {
      const label = t('palette.download', { report: title, format: format.toUpperCase() })
      const run = () => location.assign(`${API_ROOT}${path}/file?format=${format}`)
      return { kind: 'action', name: label, detail: `${format} yesterday`, run, isRare: true }
    })
    return [{ kind: 'report', name: title, detail: description, href: path }, ...files]
  })
}

/** Alarms that are open now. */
function alarms(): Entry[] {
  return [...alarmStore.alarms.values()].filter(isOpen).map((alarm) => ({
    kind: 'alarm',
    name: `${alarm.text}, ${objectText(alarm.object)}`,
    detail: alarm.rule,
    href: hrefOf(alarm),
  }))
}

/** The boards of stations; the page of boards has those of the plant folder. */
async function boards(): Promise<Entry[]> {
  const query: TableQuery = { columns: ['unit'], distinct: true, order: 'unit' }
  const { rows } = await allRows<{ unit: string }>('gold.oee_shift', query, NAMES_MAX)
  const walls = ['plant', ...rows.map(({ unit }) => unit)]
  return [
    ...walls.map((name): Entry => {
      const href = `/wall/${encodeURIComponent(name)}`
      return { kind: 'board', name: t('palette.board.wall', { name }), href }
    }),
    ...rows.map(({ unit: name }): Entry => {
      const href = `/board/operator?station=${encodeURIComponent(name)}`
      return { kind: 'board', name: t('palette.board.operator', { name }), href }
    }),
  ]
}

/** A part that cannot be read is left out: the palette still finds the others. */
export async function loadEntries(): Promise<Entry[]> {
  const mayRead = session.may('read_tables')
  const whole = session.mayEverywhere('read_tables')
  const parts = [
    ...SOURCES.filter((source) => (source.needsWholePlant ? whole : mayRead)).map(names),
    ...(session.may('follow_live') ? [sensors()] : []),
    ...(mayRead ? [tables(), reports(), boards()] : []),
  ]
  const settled = await Promise.allSettled([alarms(), ...parts])
  return settled.flatMap((part) => (part.status === 'fulfilled' ? part.value : []))
}
