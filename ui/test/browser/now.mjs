// The page of the current state, compared with the API: output, key figures, stations, hours.

import { expect, plant, screen } from './harness.mjs'

const HD = { width: 1920, height: 1080 }
const DESK = { width: 1366, height: 768 }
const SHOWN_MS = 15_000

const oneDigit = new Intl.NumberFormat('en-IN', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
})
const percent = (share) => `${oneDigit.format(100 * share)} %`

/** The day that the page shows, by the link of its output. */
async function shownDay(page) {
  const link = page.locator('a.figure[href^="/make?day="]').first()
  await link.waitFor({ timeout: SHOWN_MS })
  return new URL(await link.getAttribute('href'), page.url()).searchParams.get('day')
}

async function open(page) {
  await page.goto(`${process.env.COCKPIT_URL}/now`)
  await page.locator('h2:text-is("Stations")').waitFor({ timeout: SHOWN_MS })
  await page.waitForFunction(() => !document.querySelector('main [aria-busy="true"]'))
}

/** The current day is today with boards, or the last day with a plan and boards. */
async function showsTheCurrentDay(page) {
  const rows = await plant.sql(
    `SELECT day_local, sum(actual) AS actual, sum(planned) AS planned FROM gold.production_daily
     GROUP BY day_local HAVING sum(actual) > 0 AND sum(planned) > 0 ORDER BY day_local DESC LIMIT 1`,
  )
  expect.same(
    'now shows the last day with a plan and boards',
    await shownDay(page),
    rows[0].day_local,
  )
}

async function showsTheOutput(page, day) {
  const { rows } = await plant.table('gold.production_daily', `&filter.day_local=${day}`)
  const output = page.locator('.figure').first()
  expect.same(
    'now: boards made',
    screen.number(await output.locator('.number').innerText()),
    plant.sum(rows, 'actual'),
  )
  expect.same(
    'now: boards planned',
    screen.number(await output.locator('.unit').innerText()),
    plant.sum(rows, 'planned'),
  )
  const stations = [...new Set(rows.map((row) => row.station))].sort()
  const expected = stations.map((station) => {
    const own = rows.filter((row) => row.station === station)
    return [station, plant.sum(own, 'actual'), plant.sum(own, 'planned')]
  })
  const { body } = await screen.tableOf(page, 'Stations')
  const shown = body.map((row) => {
    const [made, planned] = row[3].split('/')
    return [row[0], screen.number(made), Number.parseInt(planned.replaceAll(',', ''), 10)]
  })
  expect.same('now: stations', shown, expected)
}

async function showsTheKpis(page, day) {
  const query = `from=${day}&to=${day}&granularity=day`
  const whole = (await plant.api(`/kpis?level=plant&${query}`)).rows[0]
  const shown = (label) =>
    page
      .locator('.figure', { has: page.locator(`.label:text("${label}")`) })
      .locator('.number')
      .innerText()
  for (const [label, name] of [
    ['OEE', 'oee'],
    ['First pass yield', 'first_pass_yield'],
  ]) {
    const { value } = whole.kpis[name]
    const expected = value === null ? '–' : percent(value)
    expect.same(`now: ${label}`, await shown(label), expected)
  }
  const units = (await plant.api(`/kpis?level=unit&${query}`)).rows
  const { body } = await screen.tableOf(page, 'Stations')
  for (const row of body) {
    const unit = units.find((one) => one.unit === row[0])
    const value = unit?.kpis.oee.value ?? null
    expect.same(`now: OEE of ${row[0]}`, row[5], value === null ? '–' : percent(value))
  }
}

/** No scrolling, and the panels reach the lower edge of the window. */
async function fillsTheWindow(page) {
  for (const size of [DESK, HD]) {
    await page.setViewportSize(size)
    await open(page)
    const { height, bottom } = await page.evaluate(() => ({
      height: document.documentElement.scrollHeight,
      bottom: Math.max(
        ...[...document.querySelectorAll('main section')].map(
          (one) => one.getBoundingClientRect().bottom,
        ),
      ),
    }))
    const name = `${size.width}x${size.height}`
    expect.same(`now does not scroll at ${name}`, height, size.height)
    expect.check(`now fills ${name}`, bottom >= size.height - 30, `${bottom}`)
  }
  await page.setViewportSize(DESK)
}

export async function nowTest(page) {
  await expect.step('now', async () => {
    await open(page)
    await showsTheCurrentDay(page)
    const day = await shownDay(page)
    await showsTheOutput(page, day)
    await showsTheKpis(page, day)
  })
  await expect.step('now without scrolling', () => fillsTheWindow(page))
}
