// Random numbers of the pages: what a page shows, what the API returns and what a statement computes are equal.

import { expect, plant, screen } from './harness.mjs'

const CHECKED = 50

/** The same numbers in each run with the same data: a small generator with a fixed seed. */
function randomOf(seed) {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

const sumBy = (rows, key, columns) => {
  const sums = new Map()
  for (const row of rows) {
    const sum = sums.get(row[key]) ?? Object.fromEntries(columns.map((column) => [column, 0]))
    for (const column of columns) sum[column] += row[column] ?? 0
    sums.set(row[key], sum)
  }
  return sums
}

/** A table of a page: its cells by their column, and the same from the API and from SQL. */
const tablesOf = (day, from, to) => [
  {
    path: `/make?day=${day}&by=station`,
    title: 'Boards by station',
    table: 'gold.production_daily',
    key: 'station',
    filter: `&filter.day_local=${day}`,
    where: `day_local = '${day}'`,
    cells: { planned: 1, actual: 2 },
  },
  {
    path: `/make?day=${day}&by=item`,
    title: 'Boards by item',
    table: 'gold.production_daily',
    key: 'item',
    filter: `&filter.day_local=${day}`,
    where: `day_local = '${day}'`,
    cells: { planned: 2, actual: 3 },
  },
  {
    path: '/orders',
    title: 'Work orders',
    table: 'gold.work_order_progress',
    key: 'work_order',
    filter: '',
    where: 'true',
    cells: { actual: 3, quantity: 4, remaining: 7 },
  },
  {
    path: `/quality?t=${from}..${to}`,
    title: 'First pass yield by station',
    table: 'gold.quality_daily',
    key: 'unit',
    filter: `&filter.production_day=${from}..${to}`,
    where: `production_day BETWEEN '${from}' AND '${to}'`,
    cells: { rq: 3, sq: 4, verdict_unknown: 5 },
  },
  {
    path: '/stock',
    title: 'By bin',
    table: 'gold.inventory_by_bin',
    key: 'bin',
    filter: '',
    where: 'true',
    cells: { entries: 1, quantity: 2, value: 3 },
  },
]

async function cellsOf(page, { path, title, table, key, filter, where, cells }) {
  const columns = Object.keys(cells)
  await screen.open(page, path)
  const { body } = await screen.tableOf(page, title)
  const api = sumBy((await plant.table(table, filter)).rows, key, columns)
  const sums = columns.map((column) => `sum(${column}) AS ${column}`).join(', ')
  const rows = await plant.sql(
    `SELECT ${key}, ${sums} FROM ${table} WHERE ${where} GROUP BY ${key}`,
  )
  const sql = new Map(rows.map((row) => [row[key], row]))
  return body.flatMap((texts) =>
    columns.map((column) => ({
      name: `${path} ${texts[0]} ${column}`,
      shown: texts[cells[column]],
      api: api.get(texts[0])?.[column],
      sql: sql.get(texts[0])?.[column],
    })),
  )
}

/** The decimal digits that a text shows. */
const digitsOf = (text) => /\.(\d+)/.exec(text)?.[1].length ?? 0

/** Half a unit of the last digit, and what a sum of binary fractions differs by. */
const isShown = (text, value) => {
  if (value == null) return text === '\u2013'
  const room = 0.5 * 10 ** -digitsOf(text) + 1e-6
  return Math.abs(screen.number(text) - value) <= room
}

/** The days with verdicts: the first and the last. */
async function reachOf() {
  const [reach] = await plant.sql(
    'SELECT min(production_day) AS first, max(production_day) AS last FROM gold.quality_daily',
  )
  return reach
}

async function busiestDay() {
  const [row] = await plant.sql(
    'SELECT day_local, sum(actual) AS made FROM gold.production_daily GROUP BY day_local ORDER BY made DESC LIMIT 1',
  )
  return row.day_local
}

/** Compares random cells; returns how many were equal. */
export async function numbersTest(page) {
  let equal = 0
  await expect.step('random numbers', async () => {
    const { first, last } = await reachOf()
    const cells = []
    for (const one of tablesOf(await busiestDay(), first, last)) {
      cells.push(...(await cellsOf(page, one)))
    }
    const random = randomOf(20_261_126)
    const chosen = cells
      .map((cell) => ({ cell, at: random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, CHECKED)
    expect.same('as many numbers are compared as intended', chosen.length, CHECKED)
    for (const { cell } of chosen) {
      const isEqual = isShown(cell.shown, cell.api) && isShown(cell.shown, cell.sql)
      if (isEqual) equal += 1
      expect.check(`${cell.name} agrees`, isEqual, `${cell.shown}, ${cell.api}, ${cell.sql}`)
    }
  })
  return equal
}
