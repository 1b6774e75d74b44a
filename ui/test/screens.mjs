// Pictures of the pages for docs/screens, from the demo or a running service.
//
//   COCKPIT_URL=http://127.0.0.1:8080 node test/screens.mjs [NAME]...

import { mkdirSync } from 'node:fs'
import { withPages } from './demo.mjs'

const FOLDER = new URL('../../docs/screens', import.meta.url).pathname
const DESK = { width: 1280, height: 720 }
const PHONE = { width: 390, height: 844 }
const WALL = { width: 1280, height: 720 }
const LOADED_MS = 60_000
const STATEMENT =
  'SELECT day_local, sum(planned) AS planned, sum(actual) AS made FROM gold.production_daily GROUP BY day_local ORDER BY day_local'

/** Name: path, language, theme, size. */
const SCREENS = {
  now: ['/now'],
  'now-dark': ['/now', 'en', 'dark'],
  'now-malayalam': ['/now', 'ml'],
  'now-phone': ['/now', 'en', 'light', PHONE],
  temperatures: ['/temps'],
  production: ['/make'],
  'production-hindi': ['/make', 'hi'],
  station: ['/make/EP-0001'],
  orders: ['/orders'],
  order: ['/orders/{order}'],
  quality: ['/quality'],
  stock: ['/stock'],
  alarms: ['/alarms'],
  'alarms-malayalam-dark': ['/alarms', 'ml', 'dark'],
  'alarm-health': ['/alarms/health'],
  reports: ['/reports'],
  report: ['/reports/shift-summary'],
  data: ['/data'],
  explore: [`/explore?view=chart&q=${Buffer.from(STATEMENT).toString('base64url')}`],
  boards: ['/board'],
  operator: ['/board/operator?station=EP-0001'],
  wall: ['/wall/plant', 'en', 'dark', WALL],
}

async function take(
  browser,
  name,
  [path, language = 'en', colorScheme = 'light', viewport = DESK],
  order,
) {
  const context = await browser.newContext({ viewport, colorScheme, locale: 'en-IN' })
  await context.addInitScript((chosen) => localStorage.setItem('language', chosen), language)
  const page = await context.newPage()
  await page.goto(process.env.COCKPIT_URL + path.replace('{order}', order))
  await page.waitForSelector('h1', { timeout: LOADED_MS })
  await page.waitForTimeout(1_500)
  const isLoaded = () => !document.querySelector('[aria-busy="true"], main p.muted[role="status"]')
  await page
    .waitForFunction(isLoaded, null, { timeout: LOADED_MS })
    .catch(() => console.error(`${name} is still loading`))
  await page.waitForTimeout(500)
  await page.screenshot({ path: `${FOLDER}/${name}.png` })
  await context.close()
}

await withPages(async (browser) => {
  const { plant } = await import('./browser/harness.mjs')
  mkdirSync(FOLDER, { recursive: true })
  const [{ work_order: order }] = await plant.sql(
    'SELECT work_order FROM gold.work_order_progress ORDER BY actual DESC LIMIT 1',
  )
  const names = process.argv.slice(2)
  for (const [name, screen] of Object.entries(SCREENS)) {
    if (names.length > 0 && !names.includes(name)) continue
    await take(browser, name, screen, order).catch((error) =>
      console.error(`${name}: ${error.message}`),
    )
  }
})
