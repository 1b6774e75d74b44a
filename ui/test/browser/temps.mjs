// The pages of temperatures. They need a stream: without one they must say so, and the rest is left out.

import { api, check, figure, newPage, number, same, sql, step } from './kit.mjs'
import { DESK } from './looks.mjs'

const LIVE_MS = 10_000
/** Sensors compared with SQL, and the time a reading takes into the lake. */
const SENSORS = 60
const COMMIT_MS = 4_000

/** Opens a page that asks again and again, and waits until it has said something. */
async function openLive(page, path, text) {
  await page.goto(process.env.COCKPIT_URL + path)
  await page.getByText(text).first().waitFor({ timeout: LIVE_MS })
}

async function saysThatThereAreNone(page) {
  for (const path of ['/temps', '/now']) {
    await openLive(page, path, 'No temperatures yet.')
    check(`${path} says that there are no temperatures`, true)
  }
}

const near = (one, other) => Math.abs(one - other) < 1e-9
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** What SQL on silver says of sensors, each up to its newest reading in memory. */
function bySql(now, sensors) {
  const last = sensors.map((one) => `('${one.sensor}', TIMESTAMP '${one.at}')`)
  return sql(
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
 * Memory and lake give the same answers for every sensor that is looked at. The lake has a reading
 * a commit later than memory, and a late one may come in between, so it is asked again.
 */
async function agreesWithSilver() {
  let wrong = []
  for (let tries = 0; tries < 5; tries += 1) {
    const now = await api('/temperatures/now')
    const step = Math.ceil(now.sensors.length / SENSORS)
    const some = now.sensors.filter((one, nth) => nth % step === 0 && one.readings > 0)
    await pause(COMMIT_MS)
    const found = new Map((await bySql(now, some)).map((row) => [row.sensor, row]))
    wrong = some.filter((one) => differs(one, found.get(one.sensor)))
    if (wrong.length === 0) break
  }
  same(
    'sensors are what SQL says',
    wrong.map((one) => one.sensor),
    [],
  )
}

/** The groups are made of the sensors beside them. */
async function groupsAreTheirSensors() {
  const now = await api('/temperatures/now')
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
  same('lanes are their sensors', wrong, [])
  for (const row of now.over_limit) {
    const mine = now.sensors.filter((one) => one.component === row.component)
    const over = mine.filter((one) => one.is_over_limit).length
    same(`${row.component} over the limit`, row.over_limit, over)
  }
}

async function nowShowsTheAnswers(page) {
  await openLive(page, '/now', 'Hottest in the last 30 minutes')
  const now = await api('/temperatures/now?sensors=false')
  for (const row of now.over_limit) {
    const label = row.component.replaceAll('_', ' ')
    same(`now: ${label}`, await figure(page, label), row.over_limit)
  }
  const plants = new Set(now.hottest.map((row) => `${row.plant} ${row.component}`))
  same(
    'now: a row for each plant and component',
    await page.locator('tbody tr').count(),
    plants.size,
  )
}

const oneDigit = new Intl.NumberFormat('en-IN', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
})

/** Every lane's highest reading, to the digit that is shown. */
async function nowShowsTheHottest(page) {
  await openLive(page, '/now', 'Hottest in the last 30 minutes')
  const { hottest } = await api('/temperatures/now?sensors=false')
  const shown = await page.locator('tbody td').allInnerTexts()
  const values = shown.flatMap((text) => text.match(/-?\d+\.\d$/m) ?? [])
  const highest = new Map()
  for (const { plant, component, lane, temp_c_max: value } of hottest) {
    if (value !== null) highest.set([plant, component, lane].join(), oneDigit.format(value))
  }
  same('now: the hottest of each lane', values.sort(), [...highest.values()].sort())
}

async function gridIsWalkedByKeys(page) {
  await openLive(page, '/temps', 'sensors ·')
  const field = page.getByRole('application')
  await field.focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  const selected = () => new URL(page.url()).searchParams.get('sel')
  const first = selected()
  check('an arrow selects', first !== null)
  await page.keyboard.press('ArrowDown')
  check('down goes on', selected() !== first)
  await page.keyboard.press('ArrowUp')
  same('up comes back', selected(), first)
  await page.keyboard.press('Enter')
  same('Enter pins', new URL(page.url()).searchParams.get('pin'), first)
  await page.locator('.right .trend canvas').first().waitFor({ timeout: LIVE_MS })
  const { sensors } = await api(`/temperatures/now?sensor=${first}`)
  const shown = await page.locator('.detail .value .number').first().innerText()
  check('the value is that of the sensor', Math.abs(number(shown) - sensors[0].temp_c) < 5, shown)
}

async function filtersStandInTheAddress(page) {
  await openLive(page, '/temps', 'sensors ·')
  const { hottest } = await api('/temperatures/now?sensors=false')
  const [row] = hottest
  await page.locator('[data-filter]').selectOption(row.plant)
  same('the plant', new URL(page.url()).searchParams.get('plant'), row.plant)
  const count = hottest
    .filter((one) => one.plant === row.plant)
    .reduce((sum, one) => sum + one.sensors, 0)
  const summary = page.locator('.summary')
  await summary.getByText(`${count} sensors`).waitFor({ timeout: LIVE_MS })
  check('only sensors of the plant are counted', true)
  const lanes = page.locator('section', { has: page.locator('h2:text-is("Lane and component")') })
  const shown = await lanes.locator('tbody th').allInnerTexts()
  check(
    'only lanes of the plant are listed',
    shown.length > 0 && shown.every((text) => text === row.plant),
  )
}

async function oneSensorHasItsPage(page) {
  const { sensors } = await api('/temperatures/now')
  const [one] = sensors
  await openLive(page, `/temps/${one.sensor}`, 'last readings')
  await page.getByRole('link', { name: '1h', exact: true }).click()
  await page.getByText('from ').first().waitFor({ timeout: LIVE_MS })
  same('the span stands in the address', new URL(page.url()).searchParams.get('t'), '1h')
  await page.keyboard.press('Backspace')
  same('Backspace goes up', new URL(page.url()).pathname, '/temps')
}

/** Nothing jumps, and nothing grows: no layout shift, the same number of elements. */
async function nothingMoves(page) {
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
  same('nothing jumps', await page.evaluate(() => globalThis.shifted), 0)
  const grown = (await elements()) - before
  check('nothing grows', Math.abs(grown) <= 6, `${grown} elements more`)
}

async function viewers() {
  const metrics = await (await fetch(`${process.env.COCKPIT_URL}/metrics`)).text()
  return Number(metrics.match(/^cockpit_live_viewers (\d+)/m)?.[1])
}

/** One stream for all tabs: twelve of them are one viewer. */
async function tabsShareOneStream(browser) {
  const before = await viewers()
  const first = await newPage(browser, { viewport: DESK })
  const context = first.context()
  const pages = [first]
  while (pages.length < 12) pages.push(await context.newPage())
  for (const page of pages) await openLive(page, '/temps', 'sensors ·')
  same('twelve tabs are one viewer', (await viewers()) - before, 1)
  await context.close()
}

/** The plant's questions, when nothing new comes in: the page says what the interface says. */
export async function answersTest(page) {
  await step('temps agree with each other', groupsAreTheirSensors)
  await step('now shows the answers', () => nowShowsTheAnswers(page))
  await step('now shows the hottest', () => nowShowsTheHottest(page))
}

export async function tempsTest(browser, page) {
  const { at } = await api('/temperatures/now?sensors=false')
  if (!at) {
    await step('temps without a stream', () => saysThatThereAreNone(page))
    return
  }
  await step('temps agree with silver', agreesWithSilver)
  await step('temps agree with each other', groupsAreTheirSensors)
  await step('now shows the answers', () => nowShowsTheAnswers(page))
  await step('temps by keys', () => gridIsWalkedByKeys(page))
  await step('temps filters', () => filtersStandInTheAddress(page))
  await step('temps of one sensor', () => oneSensorHasItsPage(page))
  await step('temps hold still', () => nothingMoves(page))
  await step('temps in many tabs', () => tabsShareOneStream(browser))
}
