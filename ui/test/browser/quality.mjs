// The quality page, compared with the API.

import { expect, plant, screen } from './harness.mjs'

const percent = (share) => `${(100 * share).toFixed(2)} %`

/** The newest week of production days with hours. */
async function week() {
  const [{ day }] = await plant.sql(
    'SELECT max(production_day) AS day FROM gold.oee_hourly WHERE shift IS NOT NULL',
  )
  const from = new Date(Date.parse(`${day}T12:00:00Z`) - 6 * 86_400_000).toISOString().slice(0, 10)
  return { from, to: day }
}

async function showsTheWeek(page, { from, to }) {
  await screen.open(page, '/quality')
  const query = `&filter.production_day=${from}..${to}`
  const { rows } = await plant.table('gold.quality_daily', query)
  const made = plant.sum(rows, 'pq')
  expect.same('quality: made', await screen.figure(page, 'Made'), made)
  expect.same('quality: scrap', await screen.figure(page, 'Scrap'), plant.sum(rows, 'sq'))
  const unknown = plant.sum(rows, 'verdict_unknown')
  expect.same('quality: without verdict', await screen.figure(page, 'Without verdict'), unknown)
  const good = plant.sum(rows, 'gq')
  const figure = page.locator('.figure').first().locator('.number')
  const expected = made === unknown ? '–' : percent(good / (made - unknown))
  expect.same('quality: first pass yield', await figure.innerText(), expected)
  const { body } = await screen.tableOf(page, 'First pass yield by station')
  const units = new Set(rows.map((row) => row.unit))
  expect.same('quality: a row for each station', body.length, units.size)
}

async function ranksDefects(page, { from, to }) {
  const { rows } = await plant.table('gold.defects_daily', `&filter.production_day=${from}..${to}`)
  if (rows.length === 0) {
    const isReported = await page.getByText('No rejected boards are recorded').isVisible()
    expect.check('quality: no defects are reported', isReported)
    return
  }
  const sums = new Map()
  for (const { defect, boards } of rows) sums.set(defect, (sums.get(defect) ?? 0) + boards)
  const most = [...sums].sort((a, b) => b[1] - a[1])[0]
  const { body } = await screen.tableOf(page, 'What fails most')
  expect.same('quality: the most frequent defect', body[0].slice(0, 2), [
    most[0].replaceAll('_', ' '),
    String(most[1]),
  ])
  expect.same('quality: the cumulative part ends at 100 %', body.at(-1)[3], '100.0 %')
  await page.getByRole('link', { name: 'Item', exact: true }).click()
  await page.waitForURL(/by=item/)
  const items = (await screen.tableOf(page, 'What fails most')).body
  const quality = (await plant.table('gold.quality_daily', `&filter.production_day=${from}..${to}`))
    .rows
  const rejected = items.reduce((sum, row) => sum + screen.number(row[1]), 0)
  const expected = plant.sum(quality, 'rq') + plant.sum(quality, 'sq')
  expect.same('quality: all rejected boards are in the bars', rejected, expected)
}

async function showsControlCharts(page) {
  const [out] = await plant.sql(
    `SELECT chart, subject, count(*) AS points FROM gold.spc WHERE NOT is_in_control
     GROUP BY chart, subject ORDER BY chart, subject LIMIT 1`,
  )
  if (!out) return
  await screen.open(page, `/quality?chart=${out.chart}&subject=${encodeURIComponent(out.subject)}`)
  await page.locator('.chart svg').waitFor()
  expect.same('control chart: marks', await page.locator('.chart rect.out').count(), out.points)
  await page.locator('.chart').focus()
  await page.keyboard.press('Home')
  const [first] = await plant.sql(
    `SELECT value FROM gold.spc WHERE chart = '${out.chart}' AND subject = '${out.subject}'
     ORDER BY at LIMIT 1`,
  )
  const shown = await page.locator('.words').innerText()
  const scaled = out.chart === 'first_pass_yield' ? 100 * first.value : first.value
  expect.check('control chart: the first point', shown.includes(scaled.toFixed(2)), shown)
}

async function followsTheTimeControl(page, { to }) {
  await screen.open(page, '/quality')
  await page.getByRole('link', { name: 'Live', exact: true }).click()
  await page.waitForURL(/t=live/)
  await screen.settled(page)
  const day = (await plant.table('gold.quality_daily', `&filter.production_day=${to}`)).rows
  expect.same('live is the newest day', await screen.figure(page, 'Made'), plant.sum(day, 'pq'))
  await page.goBack()
  await screen.settled(page)
  expect.check('Back restores the week', (await screen.figure(page, 'Made')) > plant.sum(day, 'pq'))
  await screen.open(page, '/quality?t=tomorrow')
  const isReported = await page.getByText('Invalid time tomorrow').isVisible()
  expect.check('an invalid time is reported', isReported)
}

export async function qualityTest(page) {
  const days = await week()
  await expect.step('quality', () => showsTheWeek(page, days))
  await expect.step('defects', () => ranksDefects(page, days))
  await expect.step('quality downloads', () => screen.downloads(page))
  await expect.step('control charts', () => showsControlCharts(page))
  await expect.step('time control', () => followsTheTimeControl(page, days))
}
