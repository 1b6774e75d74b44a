// The page for SQL, and the search palette.

import { expect, plant, results, screen } from './harness.mjs'

const SQL =
  'SELECT day_local, sum(actual) AS made FROM gold.production_daily GROUP BY day_local ORDER BY day_local'
const MANY = 'SELECT * FROM gold.production_hourly'
const encode = (sql) => Buffer.from(sql).toString('base64url')
const cells = (page, row) => page.locator(`[aria-rowindex="${row}"] [role="cell"]`).allInnerTexts()

async function runsALink(page) {
  await screen.open(page, `/explore?q=${encode(SQL)}`)
  await page.locator('[role="table"] [role="cell"]').first().waitFor()
  const rows = await plant.sql(SQL)
  expect.same('explore: the first row', await cells(page, 2), Object.values(rows[0]).map(String))
  const count = Number(await page.getByRole('table').getAttribute('aria-rowcount')) - 1
  expect.same('explore: rows', count, rows.length)
  for (const link of await page.locator('footer a[download]').all()) {
    const response = await fetch(new URL(await link.getAttribute('href'), page.url()))
    expect.check(`explore: ${await link.innerText()} succeeds`, response.ok)
  }
}

/** Only visible rows are drawn; the last one is reached by scrolling. */
async function scrollsManyRows(page) {
  await screen.open(page, `/explore?q=${encode(MANY)}`)
  const grid = page.getByRole('table')
  await grid.waitFor()
  const rows = Number(await grid.getAttribute('aria-rowcount'))
  const drawn = await page.locator('[role="row"]').count()
  expect.check(
    'explore: only visible rows are drawn',
    drawn < 60 && rows > 60,
    `${drawn} of ${rows}`,
  )
  await grid.evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await page.locator(`[aria-rowindex="${rows}"]`).waitFor()
  expect.check('explore: the last row is reached', true)
}

async function completesAndRuns(page) {
  await screen.open(page, '/explore')
  const editor = page.locator('.cm-content')
  await editor.click()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('SELECT sum(actual) AS made FROM gold.production_dai')
  await page.locator('.cm-tooltip-autocomplete').getByText('production_daily').first().waitFor()
  await page.waitForTimeout(200)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Control+Enter')
  await page.waitForURL(/q=/)
  await page.locator('[role="cell"]').first().waitFor()
  const [{ made }] = await plant.sql('SELECT sum(actual) AS made FROM gold.production_daily')
  expect.same('explore: completed and run by keyboard', await cells(page, 2), [String(made)])
}

async function reportsAnError(page) {
  await screen.open(page, `/explore?q=${encode('SELECT *\nFRM gold.spc')}`)
  await page.getByRole('alert').getByText('The statement failed.').waitFor()
  await page.getByRole('button', { name: /Go to line/ }).click()
  const isFocused = await page.evaluate(() => !!document.activeElement?.closest('.cm-editor'))
  expect.check('explore: the line of an error is shown', isFocused)
}

async function drawsAChart(page) {
  await screen.open(page, `/explore?q=${encode(SQL)}&view=chart`)
  await page.locator('svg[role="img"] path').waitFor()
  const label = await page.locator('svg[role="img"]').getAttribute('aria-label')
  expect.check('explore: a chart by day', label.startsWith('made by day_local'), label)
}

/** Where is an order: search, its number, Enter. */
async function findsAnOrder(page) {
  const [{ work_order: order }] = await plant.sql(
    'SELECT work_order FROM gold.work_order_progress WHERE actual > 0 ORDER BY work_order LIMIT 1',
  )
  await screen.open(page, '/stock')
  await page.keyboard.press('Control+k')
  await page.locator('[role="combobox"]').fill(order)
  await page.getByRole('option', { name: order }).first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/orders/${order}`)
  expect.check('the palette opens an order', true)
  await page.keyboard.press('Control+k')
  await page.locator('[role="combobox"]').fill('quality')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/quality')
  expect.check('the palette opens a page', true)
  await page.keyboard.press('Control+k')
  await page.locator('[role="combobox"]').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('[role="combobox"]').waitFor({ state: 'detached' })
  expect.check('Escape closes the palette', true)
}

export async function exploreTest(page) {
  await expect.step('explore a link', () => runsALink(page))
  await expect.step('explore many rows', () => scrollsManyRows(page))
  await expect.step('explore completion', () => completesAndRuns(page))
  await expect.step('explore chart', () => drawsAChart(page))
  await expect.step('palette', () => findsAnOrder(page))
  await expect.step('explore an error', async () => {
    const before = results.problems.length
    await reportsAnError(page)
    // The browser logs the refused statement, which the page shows.
    results.problems.length = before
  })
}
