// The temperature pages. Without a stream they report that there are no readings, and the other tests are skipped.

import { expect, plant, screen } from './harness.mjs'
import { DESK } from './looks.mjs'

const LIVE_MS = 10_000
/** Sensors compared with SQL, and the time a reading takes into the lake. */
const SENSORS = 60
const COMMIT_MS = 4_000

/** Opens a page that polls, and waits for a text. */
async function openLive(page, path, text) {
  await page.goto(process.env.COCKPIT_URL + path)
  await page.getByText(text).first().waitFor({ timeout: LIVE_MS })
}

async function reportsMissingReadings(page) {
  for (const path of ['/temps', '/now']) {
    await openLive(page, path, 'No temperatures yet.')
    expect.check(`${path} reports that there are no temperatures`, true)
  }
}

const near = (one, other) => Math.abs(one - other) < 1e-9
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Statistics of sensors by SQL on silver, each up to its newest reading in memory. */
function bySql(now, sensors) {
  const last = sensors.map((one) => `('${one.sensor}', TIMESTAMP '${one.at}')`)
  return plant.sql(
    `SELECT s.sensor, count(*) AS readings, max(temp_c) AS temp_c_max, min(temp_c) AS temp_c_min,
       avg(temp_c) AS temp_c_mean, var_pop(temp_c) AS temp_c_variance,
       count(*) FILTER (WHERE temp_c > ${now.limit_c} AND s.at >= TIMESTAMP '${now.over_limit_from}') > 0
         AS is_over_limit
     FROM silver.temperature s
     JOIN (VALUES ${last.join(', ')}) AS m(sensor, at) ON s.sensor = m.sensor AND s.at <= m.at
     WHERE s.at >= TIMESTAMP '${now.hottest_from}' GROUP BY s.sensor`,
  )
}

function differs(one, other) {
  const exact = ['readings', 'temp_c_max', 'temp_c_min', 'is_over_limit']
  if (!other || exact.some((key) => one[key] !== other[key])) return true
  return ['temp_c_mean', 'temp_c_variance'].some((key) => !near(one[key], other[key]))
}

/**
 * Memory and lake agree on each compared sensor. The lake gets a reading one commit later than memory,
 * and a late reading may arrive in between, so the comparison is repeated.
 */
async function agreesWithSilver() {
  let wrong = []
  for (let tries = 0; tries < 5; tries += 1) {
    const now = await plant.api('/temperatures/now')
    const step = Math.ceil(now.sensors.length / SENSORS)
    const some = now.sensors.filter((one, nth) => nth % step === 0 && one.readings > 0)
    await pause(COMMIT_MS)
    const found = new Map((await bySql(now, some)).map((row) => [row.sensor, row]))
    wrong = some.filter((one) => differs(one, found.get(one.sensor)))
    if (wrong.length === 0) break
  }
  expect.same(
    'sensors agree with SQL',
    wrong.map((one) => one.sensor),
    [],
  )
}

/** The groups are sums of the listed sensors. */
async function groupsMatchTheirSensors() {
  const now = await plant.api('/temperatures/now')
  const of = (row) =>
    now.sensors.filter(
      (one) => one.plant === row.plant && one.lane === row.lane && one.component === row.component,
    )
  const wrong = now.hottest.filter((row) => {
    const mine = of(row)
    const highest = Math.max(...mine.map((one) => one.temp_c_max ?? Number.NEGATIVE_INFINITY))
    const over = mine.filter((one) => one.is_over_limit).length
    const readings = mine.reduce((sum, one) => sum + one.readings, 0)
    return (
      over !== row.over_limit ||
      readings !== row.readings ||
      (readings > 0 && highest !== row.temp_c_max)
    )
  })
  expect.same('lanes match their sensors', wrong, [])
  for (const row of now.over_limit) {
    const mine = now.sensors.filter((one) => one.component === row.component)
    const over = mine.filter((one) => one.is_over_limit).length
    expect.same(`${row.component} over the limit`, row.over_limit, over)
  }
}

async function nowShowsTheAnswers(page) {
  await openLive(page, '/now', 'Hottest in the last 30 minutes')
  const now = await plant.api('/temperatures/now?sensors=false')
  for (const row of now.over_limit) {
    const link = page.locator(`[data-over="${row.component}"]`)
    const shown = await link.locator('strong').innerText()
    expect.same(`now: ${row.component} over the limit`, screen.number(shown), row.over_limit)
  }
  const plants = new Set(now.hottest.map((row) => row.plant))
  const rows = page.locator('.hot tbody tr')
  expect.same('now: a row for each plant', await rows.count(), plants.size)
  expect.same(
    'now: a cell for each lane of a plant',
    await rows.locator('a').count(),
    now.hottest.length,
  )
}

const oneDigit = new Intl.NumberFormat('en-IN', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
})

/** The highest reading of each lane, with the digits that are shown. */
async function nowShowsTheHottest(page) {
  await openLive(page, '/now', 'Hottest in the last 30 minutes')
  const { hottest } = await plant.api('/temperatures/now?sensors=false')
  const shown = await page.locator('tbody td').allInnerTexts()
  const values = shown.flatMap((text) => text.match(/-?\d+\.\d$/m) ?? [])
  const highest = new Map()
  for (const { plant, component, lane, temp_c_max: value } of hottest) {
    if (value !== null) highest.set([plant, component, lane].join(), oneDigit.format(value))
  }
  expect.same('now: the hottest of each lane', values.sort(), [...highest.values()].sort())
}

async function gridHasKeys(page) {
  await openLive(page, '/temps', 'sensors ·')
  const field = page.getByRole('application')
  await field.focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  const selected = () => new URL(page.url()).searchParams.get('sel')
  const first = selected()
  expect.check('an arrow selects', first !== null)
  await page.keyboard.press('ArrowDown')
  expect.check('down moves the selection', selected() !== first)
  await page.keyboard.press('ArrowUp')
  expect.same('up moves it back', selected(), first)
  await page.keyboard.press('Enter')
  expect.same('Enter pins', new URL(page.url()).searchParams.get('pin'), first)
  await page.locator('.right .trend canvas').first().waitFor({ timeout: LIVE_MS })
  const { sensors } = await plant.api(`/temperatures/now?sensor=${first}`)
  const shown = await page.locator('.detail .value .number').first().innerText()
  expect.check(
    'the value is that of the sensor',
    Math.abs(screen.number(shown) - sensors[0].temp_c) < 5,
    shown,
  )
}

async function filtersAreInTheAddress(page) {
  await openLive(page, '/temps', 'sensors ·')
  const { hottest } = await plant.api('/temperatures/now?sensors=false')
  const [row] = hottest
  await page.locator('[data-filter]').selectOption(row.plant)
  expect.same('the plant', new URL(page.url()).searchParams.get('plant'), row.plant)
  const count = hottest
    .filter((one) => one.plant === row.plant)
    .reduce((sum, one) => sum + one.sensors, 0)
  const summary = page.locator('.summary')
  await summary.getByText(`${count} sensors`).waitFor({ timeout: LIVE_MS })
  expect.check('only sensors of the plant are counted', true)
  const lanes = page.locator('section', { has: page.locator('h2:text-is("Lane and component")') })
  const shown = await lanes.locator('tbody th').allInnerTexts()
  expect.check(
    'only lanes of the plant are listed',
    shown.length > 0 && shown.every((text) => text === row.plant),
  )
}

async function sensorHasAPage(page) {
  const { sensors } = await plant.api('/temperatures/now')
  const [one] = sensors
  await openLive(page, `/temps/${one.sensor}`, 'last readings')
  await page.getByRole('link', { name: '1h', exact: true }).click()
  await page.getByText('from ').first().waitFor({ timeout: LIVE_MS })
  expect.same('the address contains the period', new URL(page.url()).searchParams.get('t'), '1h')
  await page.keyboard.press('Backspace')
  expect.same('Backspace goes up', new URL(page.url()).pathname, '/temps')
}

/** No layout shift, and a constant number of elements. */
async function layoutIsStable(page) {
  await openLive(page, '/temps', 'sensors ·')
  await page.getByRole('heading', { name: 'Lane and component' }).waitFor({ timeout: LIVE_MS })
  await page.waitForTimeout(3_000)
  const elements = () => page.evaluate(() => document.querySelectorAll('*').length)
  const before = await elements()
  await page.evaluate(() => {
    globalThis.shifted = 0
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.shifted += entry.value
    }).observe({ type: 'layout-shift' })
  })
  await page.waitForTimeout(6_000)
  expect.same('the layout does not shift', await page.evaluate(() => globalThis.shifted), 0)
  const grown = (await elements()) - before
  expect.check('the element count is constant', Math.abs(grown) <= 6, `${grown} elements more`)
}

async function viewers() {
  const metrics = await (await fetch(`${process.env.COCKPIT_URL}/metrics`)).text()
  return Number(metrics.match(/^cockpit_live_viewers (\d+)/m)?.[1])
}

/** All tabs share one stream: twelve tabs are one viewer. */
async function tabsShareOneStream(browser) {
  const before = await viewers()
  const first = await screen.newPage(browser, { viewport: DESK })
  const context = first.context()
  const pages = [first]
  while (pages.length < 12) pages.push(await context.newPage())
  for (const page of pages) await openLive(page, '/temps', 'sensors ·')
  expect.same('twelve tabs are one viewer', (await viewers()) - before, 1)
  await context.close()
}

/** The questions of the plant after the end of a stream: page and API agree. */
export async function answersTest(page) {
  await expect.step('temps agree with each other', groupsMatchTheirSensors)
  await expect.step('now shows the answers', () => nowShowsTheAnswers(page))
  await expect.step('now shows the hottest', () => nowShowsTheHottest(page))
}

export async function tempsTest(browser, page) {
  const { at } = await plant.api('/temperatures/now?sensors=false')
  if (!at) {
    await expect.step('temps without a stream', () => reportsMissingReadings(page))
    return
  }
  await expect.step('temps agree with silver', agreesWithSilver)
  await expect.step('temps agree with each other', groupsMatchTheirSensors)
  await expect.step('now shows the answers', () => nowShowsTheAnswers(page))
  await expect.step('temps by keys', () => gridHasKeys(page))
  await expect.step('temps filters', () => filtersAreInTheAddress(page))
  await expect.step('temps of one sensor', () => sensorHasAPage(page))
  await expect.step('temps layout', () => layoutIsStable(page))
  await expect.step('temps in many tabs', () => tabsShareOneStream(browser))
}
