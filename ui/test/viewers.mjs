// Opens the temperatures of a running cockpit in several tabs of one browser, and measures the main thread of each.
// Used by tests/oracle/bench_viewers.py.
//
//   COCKPIT_URL=http://127.0.0.1:8080 VIEWERS=16 SECONDS=60 node test/viewers.mjs
//
// Prints {first, mean, most}: the share of time that the main thread of the tab in front, of all tabs on average, and of
// the busiest tab was busy; and {shown}, the tabs that show sensors. CHROMIUM is the path of the browser.

import { launch } from './start.mjs'

const SECOND_MS = 1_000
/** Pages load their code and the names of all sensors before the measurement. */
const WARM_UP_MS = 15_000
/** A tab opens while all before it are drawing. */
const OPEN_MS = 120_000

async function opened(context, origin) {
  const page = await context.newPage()
  await page.goto(`${origin}/temps`)
  await page.waitForSelector('main h1')
  const session = await context.newCDPSession(page)
  await session.send('Performance.enable')
  return { page, session }
}

async function metricsOf({ session }) {
  const { metrics } = await session.send('Performance.getMetrics')
  const { TaskDuration, Timestamp } = Object.fromEntries(
    metrics.map(({ name, value }) => [name, value]),
  )
  return { TaskDuration, Timestamp }
}

const origin = process.env.COCKPIT_URL
const [viewers, seconds] = [Number(process.env.VIEWERS), Number(process.env.SECONDS)]
const browser = await launch()
const context = await browser.newContext({ viewport: { width: 1366, height: 768 } })
context.setDefaultTimeout(OPEN_MS)
const tabs = []
for (let nth = 0; nth < viewers; nth += 1) tabs.push(await opened(context, origin))
await tabs[0].page.bringToFront()
await tabs[0].page.waitForTimeout(WARM_UP_MS)
const before = await Promise.all(tabs.map(metricsOf))
await tabs[0].page.waitForTimeout(seconds * SECOND_MS)
const after = await Promise.all(tabs.map(metricsOf))
const busy = after.map(
  ({ TaskDuration, Timestamp }, nth) =>
    (TaskDuration - before[nth].TaskDuration) / (Timestamp - before[nth].Timestamp),
)
const visible = await Promise.all(
  tabs.map(({ page }) => page.getByText(/\d °C/).first().isVisible()),
)
const mean = busy.reduce((sum, one) => sum + one, 0) / busy.length
const shown = visible.filter(Boolean).length
console.log(JSON.stringify({ first: busy[0], mean, most: Math.max(...busy), shown }))
await browser.close()
