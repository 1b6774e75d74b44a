// What each page shows while it loads, without data, when the server fails, when the person may not read, when the
// link is lost, and when figures are partial, provisional or restated.

import { BASE, expect, screen } from './harness.mjs'

const PATHS = [
  '/now',
  '/make',
  '/make/BC-0001',
  '/orders',
  '/quality',
  '/stock',
  '/data',
  '/reports',
]
const DATA = /\/api\/v1\/(tables|query|kpis|reports)/
const SHOWN_MS = 15_000

const answer = (status, code, message) => (route) =>
  route.fulfill({ status, json: { error: { code, message } } })

const STATES = {
  loading: { route: () => {}, text: /Loading|reading/ },
  empty: {
    route: answer(404, 'unknown_table', 'there is no table'),
    text: /No data yet|has no reports|no boards|no report/i,
  },
  error: {
    route: answer(500, 'failed', 'the disk is full'),
    text: /Loading failed|the disk is full/,
  },
  forbidden: {
    route: answer(403, 'forbidden', 'reading needs the permission read_tables'),
    text: /Not permitted/,
  },
}

/** Pages with KPIs, and where each shows one. */
const KPI_PATHS = ['/now', '/make', '/make/BC-0001']

/** Answers to requests for KPIs, changed as if the figures had the state. */
const FIGURES = {
  partial: {
    change: (row) => {
      for (const kpi of Object.values(row.kpis))
        if (kpi.value !== null) Object.assign(kpi, { low: kpi.value * 0.5, high: kpi.value * 1.5 })
    },
    find: (page) =>
      page
        .locator('main')
        .getByText(/\d to \d|\d\s*(–|\.\.|-)\s*\d[\d.,]* %/)
        .first(),
  },
  provisional: { change: (row) => Object.assign(row, { standing: 'provisional' }) },
  certified: { change: (row) => Object.assign(row, { standing: 'certified' }) },
  restated: { change: (row) => Object.assign(row, { standing: 'restated' }) },
}

const LOST_MS = 40_000

/** Pages whose figures have the state; returns those that show it. */
async function figuresShow(browser, state, { change, find }) {
  const page = await screen.newPage(browser, { viewport: { width: 1366, height: 768 } })
  await page.route(/\/api\/v1\/kpis/, async (route) => {
    const response = await route.fetch()
    const json = await response.json()
    for (const row of json.rows ?? []) change(row)
    await route.fulfill({ response, json })
  })
  const shown = []
  for (const path of KPI_PATHS) {
    await expect.step(`${path} ${state}`, async () => {
      await page.goto(BASE + path)
      const found = find?.(page) ?? page.locator(`main [data-status="${state}"]`).first()
      await found.waitFor({ timeout: SHOWN_MS })
      const others = find
        ? 0
        : await page.locator(`main [data-status]:not([data-status="${state}"])`).count()
      expect.same(`${path} shows ${state} figures, and no others`, others, 0)
      shown.push(`${path} ${state}`)
    })
  }
  await page.context().close()
  return shown
}

/** The server does not respond after a page was shown: its figures stay, and the page shows since when they are old. */
async function staleShown(browser) {
  const page = await screen.newPage(browser, { viewport: { width: 1366, height: 768 } })
  const shown = []
  for (const path of PATHS) {
    await expect.step(`${path} stale`, async () => {
      await page.goto(BASE + path)
      await page.locator('main h1').waitFor({ timeout: SHOWN_MS })
      await page.waitForLoadState('networkidle').catch(() => {})
      const before = await page.locator('main').innerText()
      await page.route('**/api/v1/**', (route) => route.abort())
      await page
        .getByText(/no response since|no data since/)
        .first()
        .waitFor({ timeout: LOST_MS })
      const after = await page.locator('main').innerText()
      const digits = (text) => text.replace(/\D/g, '').length
      expect.check(`${path} keeps its figures`, digits(after) > 0.5 * digits(before))
      await page.unroute('**/api/v1/**')
      shown.push(`${path} stale`)
    })
  }
  await page.context().close()
  return shown
}

/** Checks each state of each page; returns those that were shown. */
export async function statesTest(browser) {
  const shown = []
  for (const [state, figures] of Object.entries(FIGURES))
    shown.push(...(await figuresShow(browser, state, figures)))
  shown.push(...(await staleShown(browser)))
  for (const [state, { route, text }] of Object.entries(STATES)) {
    const page = await screen.newPage(browser, { viewport: { width: 1366, height: 768 } })
    await page.route(DATA, route)
    for (const path of PATHS) {
      await expect.step(`${path} ${state}`, async () => {
        await page.goto(BASE + path)
        await page.locator('main').getByText(text).first().waitFor({ timeout: SHOWN_MS })
        expect.check(`${path} shows that it is ${state}`, true)
        shown.push(`${path} ${state}`)
      })
    }
    await page.context().close()
  }
  return shown
}
