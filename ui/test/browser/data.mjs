// The data page.

import { expect, plant, screen } from './harness.mjs'

async function reconciliation(page) {
  await screen.open(page, '/data')
  const runs = (await plant.table('meta.runs')).rows
  const { body } = await screen.tableOf(page, 'Reconciliation')
  expect.same('runs', body.length, Math.min(runs.length, 100))
  const unbalanced = runs.filter(
    (row) =>
      !row.closed ||
      row.read !== row.bronze ||
      row.bronze !== row.silver + row.rejected + row.superseded,
  )
  const off = body.filter((row) => !row[7].includes('\u2713')).length
  expect.same('runs that do not balance are highlighted', off, unbalanced.length)
  const read = body.reduce((total, row) => total + screen.number(row[2]), 0)
  if (runs.length <= 100) expect.same('records read', read, plant.sum(runs, 'read'))
}

async function files(page) {
  await page.getByRole('link', { name: /^Files/ }).click()
  await screen.settled(page)
  const files = (await plant.table('meta.files')).rows
  const { body } = await screen.tableOf(page, 'Files')
  expect.same(
    'files',
    new Set(body.map((row) => row[0])).size,
    new Set(files.map((row) => row.file)).size,
  )
}

async function rejected(page) {
  await page.getByRole('link', { name: /^Rejected .*rows/ }).click()
  await screen.settled(page)
  const [{ n }] = await plant.sql('SELECT count(*) AS n FROM silver.rejected')
  expect.same('rejected rows', await screen.figure(page, 'Rejected'), n)
  if (n === 0)
    expect.check(
      'the page reports that there are none',
      await page.getByText('No row has been rejected').isVisible(),
    )
}

async function expectations(page) {
  await page.getByRole('link', { name: /^Expectations/ }).click()
  await screen.settled(page)
  const quality = (await plant.table('meta.quality')).rows
  const { body } = await screen.tableOf(page, 'Expectations')
  const keys = new Set(quality.map((row) => `${row.table_name} ${row.expectation}`))
  expect.same('expectations', body.length, Math.min(keys.size, 100))
}

async function tables(page) {
  await page.getByRole('link', { name: /^Tables/ }).click()
  await screen.settled(page)
  const tables = (await plant.table('meta.tables')).rows
  expect.same('tables', await page.locator('.split nav a').count(), tables.length)
  await page.getByRole('link', { name: /^production_hourly/ }).click()
  await screen.settled(page)
  const columns = await plant.sql(
    "SELECT column_name FROM meta.columns WHERE schema_name = 'gold' AND table_name = 'production_hourly' ORDER BY position",
  )
  const { body } = await screen.tableOf(page, 'gold.production_hourly')
  expect.same(
    'columns',
    body.map((row) => row[0]),
    columns.map((row) => row.column_name),
  )
  const lineage = await plant.sql(
    "SELECT DISTINCT from_schema, from_table FROM meta.lineage WHERE schema_name = 'gold' AND table_name = 'production_hourly'",
  )
  for (const { from_schema, from_table } of lineage) {
    const link = page
      .locator('.lineage')
      .getByRole('link', { name: `${from_schema}.${from_table}`, exact: true })
    expect.check(`made from ${from_schema}.${from_table}`, (await link.count()) === 1)
  }
}

export async function dataTest(page) {
  await expect.step('data reconciliation', () => reconciliation(page))
  await expect.step('data files', () => files(page))
  await expect.step('data rejected', () => rejected(page))
  await expect.step('data expectations', () => expectations(page))
  await expect.step('data tables', () => tables(page))
}
