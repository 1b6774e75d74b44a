// Boards for walls and for operators.

import { BASE, expect, plant, results, screen } from './harness.mjs'

const HD = { width: 1920, height: 1080 }
const DESK = { width: 1366, height: 768 }
const TARGET_PX = 72
const FAR_M = 10
const STALE_MS = 20_000

async function newest() {
  const [row] = await plant.sql(
    `SELECT day_local AS day, CAST(sum(actual) AS BIGINT) AS made, CAST(sum(planned) AS BIGINT) AS planned
     FROM gold.production_daily GROUP BY day_local HAVING sum(actual) > 0 AND sum(planned) > 0
     ORDER BY day_local DESC LIMIT 1`,
  )
  return row
}

/** Seven facts at most, all in view, and large enough for the distance. */
async function wallIsReadable(page) {
  await page.setViewportSize(HD)
  await page.goto(`${BASE}/wall/plant?inch=55&metres=${FAR_M}`)
  await page.locator('dd').first().waitFor()
  const { made, planned } = await newest()
  const text = (await page.locator('dd').first().innerText()).split('/').map(screen.number)
  expect.same('wall: made and planned', text, [made, planned])
  const facts = await page.locator('dl > div').count()
  expect.check('wall: at most seven facts', facts + 2 <= 7, String(facts))
  const sizes = await page.evaluate(() => {
    const own = [...document.querySelectorAll('.wall *')].filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim() !== ''),
    )
    return {
      fonts: own.map((element) => Number.parseFloat(getComputedStyle(element).fontSize)),
      bottom: Math.max(...own.map((element) => element.getBoundingClientRect().bottom)),
    }
  })
  const pitch_mm = (55 * 25.4) / Math.hypot(HD.width, HD.height)
  const arcMinutes = (px) =>
    Math.atan((px * 0.72 * pitch_mm) / (FAR_M * 1000)) * (180 / Math.PI) * 60
  // The badges of alarms have shapes as well as digits, and are not text.
  const smallest = Math.min(...sizes.fonts.filter((px) => px > 30).map(arcMinutes))
  expect.check('wall: letters of at least 16 arc minutes', smallest >= 16, smallest.toFixed(1))
  expect.check('wall: all facts are in view', sizes.bottom <= HD.height, String(sizes.bottom))
}

/** A board whose server is gone shows no value as current. */
async function wallShowsLostData(page) {
  const before = results.problems.length
  await page.route('**/api/v1/**', (route) => route.abort())
  await page.locator('.wall.stale').waitFor({ timeout: STALE_MS })
  const isReported = await page.getByText(/no data since/).isVisible()
  expect.check('wall: lost data is reported', isReported)
  await page.unroute('**/api/v1/**')
  results.problems.length = before
  await page.setViewportSize(DESK)
}

async function operatorHasLargeTargets(page) {
  const [{ unit }] = await plant.sql('SELECT max(unit) AS unit FROM gold.oee_shift')
  await screen.open(page, `/board/operator?station=${unit}`)
  await page.locator('dd').first().waitFor()
  const small = await page
    .locator('main :is(a, button)')
    .evaluateAll(
      (all, minimum) => all.filter((one) => one.getBoundingClientRect().height < minimum).length,
      TARGET_PX,
    )
  expect.same(`operator: targets of at least ${TARGET_PX} px`, small, 0)
  const { day } = await newest()
  const { rows } = await plant.table(
    'gold.production_daily',
    `&filter.day_local=${day}&filter.station=${unit}`,
  )
  const cells = await page.locator('dd:not(.note)').allInnerTexts()
  expect.same('operator: made and planned', cells[2].split('/').map(screen.number), [
    plant.sum(rows, 'actual'),
    plant.sum(rows, 'planned'),
  ])
}

export async function boardsTest(page) {
  await expect.step('wall', () => wallIsReadable(page))
  await expect.step('wall without a server', () => wallShowsLostData(page))
  await expect.step('operator', () => operatorHasLargeTargets(page))
}
