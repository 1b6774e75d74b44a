// The page of data.

import {
  check,
  figure,
  number,
  open,
  same,
  settled,
  sql,
  step,
  sum,
  table,
  tableOf,
} from './kit.mjs'

async function books(page) {
  await open(page, '/data')
  const runs = (await table('meta.runs')).rows
  const { body } = await tableOf(page, 'Books')
  same('books', body.length, Math.min(runs.length, 100))
  const open_ = runs.filter(
    (row) =>
      !row.closed ||
      row.read !== row.bronze ||
      row.bronze !== row.silver + row.rejected + row.superseded,
  )
  const off = body.filter((row) => !row[7].includes('closes')).length
  same('books that do not close are loud', off, open_.length)
  const read = body.reduce((total, row) => total + number(row[2]), 0)
  if (runs.length <= 100) same('records read', read, sum(runs, 'read'))
}

async function files(page) {
  await page.getByRole('link', { name: /^Files/ }).click()
  await settled(page)
  const files = (await table('meta.files')).rows
  const { body } = await tableOf(page, 'Files')
  same('files', new Set(body.map((row) => row[0])).size, new Set(files.map((row) => row.file)).size)
}

async function rejected(page) {
  await page.getByRole('link', { name: /^Rejected .*rows/ }).click()
  await settled(page)
  const [{ n }] = await sql('SELECT count(*) AS n FROM silver.rejected')
  same('rejected rows', await figure(page, 'Rejected'), n)
  if (n === 0) check('none is told', await page.getByText('No row has been rejected').isVisible())
}

async function expectations(page) {
  await page.getByRole('link', { name: /^Expectations/ }).click()
  await settled(page)
  const quality = (await table('meta.quality')).rows
  const { body } = await tableOf(page, 'Expectations')
  const keys = new Set(quality.map((row) => `${row.table_name} ${row.expectation}`))
  same('expectations', body.length, Math.min(keys.size, 100))
}

async function tables(page) {
  await page.getByRole('link', { name: /^Tables/ }).click()
  await settled(page)
  const tables = (await table('meta.tables')).rows
  same('tables', await page.locator('.split nav a').count(), tables.length)
  await page.getByRole('link', { name: /^production_hourly/ }).click()
  await settled(page)
  const columns = await sql(
    "SELECT column_name FROM meta.columns WHERE schema_name = 'gold' AND table_name = 'production_hourly' ORDER BY position",
  )
  const { body } = await tableOf(page, 'gold.production_hourly')
  same(
    'columns',
    body.map((row) => row[0]),
    columns.map((row) => row.column_name),
  )
  const lineage = await sql(
    "SELECT DISTINCT from_schema, from_table FROM meta.lineage WHERE schema_name = 'gold' AND table_name = 'production_hourly'",
  )
  for (const { from_schema, from_table } of lineage) {
    const link = page
      .locator('.lineage')
      .getByRole('link', { name: `${from_schema}.${from_table}`, exact: true })
    check(`made from ${from_schema}.${from_table}`, (await link.count()) === 1)
  }
}

export async function dataTest(page) {
  await step('data books', () => books(page))
  await step('data files', () => files(page))
  await step('data rejected', () => rejected(page))
  await step('data expectations', () => expectations(page))
  await step('data tables', () => tables(page))
}
