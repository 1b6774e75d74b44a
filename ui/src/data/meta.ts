/** Rows of the `meta` tables, and functions on them. */

export interface FileRow {
  file: string
  source: string | null
  table_name: string | null
  size_bytes: number | null
  sha256: string | null
  modified_at: string | null
  status: string
  reason: string | null
  records: number | null
  /** Null until the records are counted, and in lakes of earlier versions. */
  rejected?: number | null
  /** How its columns differ from the contract; null if they do not. */
  column_change?: string | null
  seen_at: string | null
}

export interface RunRow {
  run: string
  started_at: string | null
  ended_at: string | null
  table_name: string
  file: string | null
  file_sha256: string | null
  read: number
  bronze: number
  silver: number
  rejected: number
  superseded: number
  closed: boolean
}

export interface RejectedRow {
  table_name: string
  column_name: string | null
  reason: string
  raw: string | null
  rule: string | null
  _file: string | null
  _record: number | null
  _byte_from: number | null
  _byte_to: number | null
  _row_group: number | null
  _row: number | null
  _rejected_at: string | null
}

export interface QualityRow {
  table_name: string
  expectation: string
  rule: string | null
  action: string | null
  checked: number
  failed: number
  measured_at: string | null
}

export interface TableRow {
  schema_name: string
  table_name: string
  kind: string | null
  description: string | null
  grain: string | null
  rows: number | null
  size_bytes: number | null
  version: number | null
  updated_at: string | null
}

export interface ColumnRow {
  schema_name: string
  table_name: string
  column_name: string
  position: number
  type: string
  unit: string | null
  nullable: boolean | null
  description: string | null
}

export interface LineageRow {
  schema_name: string
  table_name: string
  column_name: string | null
  from_schema: string
  from_table: string
  from_column: string | null
}

/** The imbalance of a run in records; 0 if it balances. Recomputed, so that an error in `closed` shows. */
export function imbalance(row: RunRow): number {
  const landed = Math.abs(row.read - row.bronze)
  const refined = Math.abs(row.bronze - row.silver - row.rejected - row.superseded)
  return Math.max(landed, refined)
}

export const isBalanced = (row: RunRow): boolean => row.closed && imbalance(row) === 0

/** How many messages expired at the broker before they were read, for a row about such a range. */
export function expired(row: RunRow): number | undefined {
  const range = / expired (\d+)\.\.(\d+)$/.exec(row.file ?? '')
  return range ? Number(range[2]) - Number(range[1]) : undefined
}

/** The newest row of each key; rows are sorted newest first. */
export function newest<R>(rows: readonly R[], key: (row: R) => string): R[] {
  const found = new Map<string, R>()
  for (const row of rows) if (!found.has(key(row))) found.set(key(row), row)
  return [...found.values()]
}

export const LANDED = 'landed'
const UNMATCHED = 'unmatched'

/** The latest state of files that did not land, have many rejects or match no contract. */
export const ATTENTION =
  'SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY table_name, file ORDER BY seen_at DESC, dump DESC) AS nth ' +
  "FROM meta.files) AS files WHERE nth = 1 AND (status <> 'landed' OR reason IS NOT NULL) ORDER BY seen_at DESC, file"

/** Rejected records, counted by table, column and reason. */
export const REASONS =
  'SELECT table_name, column_name, reason, CAST(count(*) AS BIGINT) AS rejected FROM silver.rejected ' +
  'GROUP BY table_name, column_name, reason ORDER BY rejected DESC, table_name, column_name, reason'

/** The state of a file on the page. */
export type FileState = 'landed' | 'faulty' | 'changed' | 'unmatched' | 'failed'

export function fileState(row: FileRow): FileState {
  if (row.status === UNMATCHED) return 'unmatched'
  if (row.status !== LANDED) return 'failed'
  if (row.reason !== null) return 'faulty'
  return row.column_change ? 'changed' : 'landed'
}

/** Whether a file needs attention although it was read. */
export const needsAttention = (row: FileRow): boolean =>
  !['landed', 'failed'].includes(fileState(row))

/** The position of a record in its file. */
export function recordPosition(row: RejectedRow): string {
  if (row._byte_from !== null) return `${row._byte_from}\u2013${row._byte_to ?? ''}`
  if (row._row !== null) return `${row._row_group ?? 0}/${row._row}`
  return ''
}

export const nameOf = (row: { schema_name: string; table_name: string }): string =>
  `${row.schema_name}.${row.table_name}`

const LAYERS = ['gold', 'silver', 'bronze', 'meta']

/** Gold first: the tables that people use most. */
export function byLayer(rows: readonly TableRow[]): { layer: string; tables: TableRow[] }[] {
  const names = [...new Set(rows.map((row) => row.schema_name))]
  const rank = (layer: string) => (LAYERS.indexOf(layer) + LAYERS.length + 1) % (LAYERS.length + 1)
  return names
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .map((layer) => ({
      layer,
      tables: rows
        .filter((row) => row.schema_name === layer)
        .sort((a, b) => a.table_name.localeCompare(b.table_name)),
    }))
}

const unique = (names: string[]): string[] => [...new Set(names)].sort()

/** Tables a table is made from. */
export const madeFrom = (rows: readonly LineageRow[], table: string): string[] =>
  unique(
    rows
      .filter((row) => nameOf(row) === table)
      .map((row) => `${row.from_schema}.${row.from_table}`)
      .filter((name) => name !== table),
  )

/** Tables made from a table. */
export const usedBy = (rows: readonly LineageRow[], table: string): string[] =>
  unique(
    rows
      .filter((row) => `${row.from_schema}.${row.from_table}` === table)
      .map(nameOf)
      .filter((name) => name !== table),
  )

/** Columns a column is made from. */
export const columnFrom = (rows: readonly LineageRow[], table: string, column: string): string[] =>
  unique(
    rows
      .filter((row) => nameOf(row) === table && row.column_name === column && row.from_column)
      .map((row) => `${row.from_schema}.${row.from_table}.${row.from_column}`),
  )
