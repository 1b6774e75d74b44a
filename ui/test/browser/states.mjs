// What each page shows while it loads, without data, when the server fails, when the person may not read, and
// when the link is lost.

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

/** Checks each state of each page; returns those that were shown. */
export async function statesTest(browser) {
  const shown = []
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
