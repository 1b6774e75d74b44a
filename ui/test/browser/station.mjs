// The page of one station, compared with the API.

import { expect, plant, screen } from './harness.mjs'

async function showsADay(page, { unit, day }) {
  await screen.open(page, `/make/${unit}?t=${day}..${day}`)
  const where = `unit = '${unit}' AND production_day = '${day}'`
  const [boards] = await plant.sql(`SELECT count(*) AS made FROM silver.board_made WHERE ${where}`)
  expect.same('station: made', await screen.figure(page, 'Made'), boards.made)
  const query = `level=unit&granularity=range&from=${day}&to=${day}&unit=${unit}&kpi=oee`
  const { value } = (await plant.api(`/kpis?${query}`)).rows[0].kpis.oee
  const figure = page.locator('.figure', { has: page.locator('.label:text-is("OEE")') })
  const shown = await figure.locator('.number').innerText()
  expect.same('station: OEE', shown, value === null ? '–' : `${(100 * value).toFixed(1)} %`)
  const orders = await plant.sql(
    `SELECT work_order, count(*) AS made, min(made_at) AS first FROM silver.board_made WHERE ${where}
     GROUP BY work_order ORDER BY first, work_order`,
  )
  const { body } = await screen.tableOf(page, 'Orders')
  expect.same(
    'station: orders and their boards',
    body.map((row) => [row[0], screen.number(row[3])]),
    orders.slice(0, 20).map((row) => [row.work_order, row.made]),
  )
}

/** The reasons of stops, the most time first. */
async function ranksStops(page, { unit, day }) {
  const reasons = await plant.sql(
    `SELECT category, reason, CAST(sum(duration_s) AS BIGINT) AS seconds FROM gold.time_ledger
     WHERE unit = '${unit}' AND production_day = '${day}'
       AND category IN ('delay', 'down_without_order', 'setup')
     GROUP BY category, reason ORDER BY seconds DESC`,
  )
  if (reasons.length === 0) {
    const isReported = await page.getByText('No stop is recorded').isVisible()
    expect.check('station: no stops are reported', isReported)
    return
  }
  const { body } = await screen.tableOf(page, 'Why it stopped')
  expect.same('station: reasons', body.length, reasons.length)
  const name = reasons[0].reason?.replaceAll('_', ' ') ?? 'setup'
  expect.same('station: the reason with most time', body[0][0], name)
  const minutes = Math.round(reasons.reduce((sum, row) => sum + row.seconds, 0) / 60)
  expect.same('station: minutes', await screen.figure(page, 'Stopped or in setup'), minutes)
}

/** The station is one click from the current state, and the shift before one key. */
async function isReached(page) {
  await page.goto(`${process.env.COCKPIT_URL}/now`)
  const link = page.locator('section tbody a[href^="/make/"]').first()
  await link.click()
  await page.waitForURL(/\/make\//)
  await screen.settled(page)
  expect.check('one click from /now to a station', new URL(page.url()).pathname.length > 6)
  await page.locator('h1').click()
  await page.keyboard.press('[')
  await page.waitForURL(/t=shift/)
  expect.check('[ shows the shift before', true)
  await screen.settled(page)
  await page.keyboard.press('Backspace')
  await screen.settled(page)
  expect.same('Backspace goes up', new URL(page.url()).pathname, '/make')
}

export async function stationTest(page) {
  const [newest] = await plant.sql(
    `SELECT unit, production_day AS day FROM silver.board_made WHERE shift IS NOT NULL
     GROUP BY unit, production_day ORDER BY production_day DESC, count(*) DESC LIMIT 1`,
  )
  await expect.step('station', () => showsADay(page, newest))
  await expect.step('stops', () => ranksStops(page, newest))
  await expect.step('station downloads', () => screen.downloads(page))
  await expect.step('station is reached', () => isReached(page))
  await expect.step('a station without data', async () => {
    await screen.open(page, '/make/NOTHING')
    const isReported = await page.getByText('There are no boards').isVisible()
    expect.check('a station without data is reported', isReported)
  })
}
