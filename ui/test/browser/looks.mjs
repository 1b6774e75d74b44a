// All pages in both themes, on a desktop and on a phone: accessibility, overflow, clipped texts, and
// target sizes.

import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, screen } from './harness.mjs'

const SHOTS = process.env.COCKPIT_SHOTS
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
export const DESK = { width: 1366, height: 768 }
export const PHONE = { width: 390, height: 844 }
const STATEMENT = 'SELECT * FROM gold.production_daily ORDER BY day_local, station, item'
export const PAGES = {
  now: '/now',
  temps: '/temps',
  make: '/make',
  'make-station': '/make?by=station',
  'make-item': '/make?by=item',
  'make-figure': '/make?shift=G&figure=oee.G.BC-0001',
  station: '/make/BC-0001',
  'station-week': '/make/BC-0001?t=7d',
  orders: '/orders',
  quality: '/quality',
  'quality-item': '/quality?by=item',
  explore: '/explore',
  'explore-result': `/explore?q=${Buffer.from(STATEMENT).toString('base64url')}`,
  'explore-chart': `/explore?view=chart&q=${Buffer.from(STATEMENT).toString('base64url')}`,
  boards: '/board',
  operator: '/board/operator?station=BC-0001',
  wall: '/wall/plant',
  stock: '/stock',
  reconciliation: '/data',
  files: '/data?view=files',
  rejected: '/data?view=rejected',
  expectations: '/data?view=quality',
  tables: '/data?view=tables&table=gold.production_hourly',
}
const TOUCH_PX = 44
const LONG = '99,99,99,999.9999'
const TARGETS =
  '.rail a, button, select, input:not([type="checkbox"]), .by .button, .downloads a, .settings nav a'

/** Attempts to check a page: while a panel loads new data it is dimmed, and its text has too little contrast. */
const ATTEMPTS = 4

/** The violations that axe finds in each of some attempts. */
export async function violationsOf(page, attempts = ATTEMPTS) {
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  )
  return violations.length > 0 && attempts > 1 ? violationsOf(page, attempts - 1) : violations
}

export const AXE_SOURCE = AXE

/** Checks a page with axe, and for horizontal scrolling, clipped texts and small targets. */
async function audit(page, name, viewport) {
  // Evaluated by the test, because the content security policy of the page forbids it.
  await page.evaluate(AXE)
  const violations = await violationsOf(page)
  const faults = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(' ')}`,
  )
  expect.same(`${name} axe`, faults, [])
  await fits(page, name, viewport)
  if (viewport !== PHONE) return
  const small = await page.evaluate(
    ({ selector, minimum }) =>
      [...document.querySelectorAll(selector)]
        .filter((target) => target.checkVisibility())
        .filter((target) => !target.classList.contains('visually-hidden'))
        .filter((target) => target.getBoundingClientRect().height < minimum)
        .map((target) => target.outerHTML.slice(0, 80)),
    { selector: TARGETS, minimum: TOUCH_PX },
  )
  expect.same(`${name} has targets of at least ${TOUCH_PX} px`, small, [])
}

export async function fits(page, name, viewport) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  expect.check(`${name} does not scroll sideways`, width <= viewport.width, `${width} px`)
  const clipped = await page.evaluate(() =>
    [...document.querySelectorAll('.value, h1, h2, .label, button, .button, header strong')]
      .filter(({ offsetParent, scrollWidth, clientWidth }) => {
        return offsetParent && scrollWidth > clientWidth + 1 && clientWidth > 0
      })
      .filter((element) => getComputedStyle(element).display !== 'inline')
      .map((element) => element.innerText),
  )
  expect.same(`${name} clips no text`, clipped, [])
}

/** Audits a page, and takes a screenshot if a folder for it is configured. */
export async function inspect(page, name, viewport) {
  await audit(page, name, viewport)
  if (!SHOTS) return
  mkdirSync(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

/** The page does not get wider than the phone with long numbers. */
async function holdsLongNumbers(page, name) {
  await page.evaluate((long) => {
    for (const number of document.querySelectorAll('.figure .number')) number.textContent = long
  }, LONG)
  await fits(page, `${name} with long numbers`, PHONE)
}

export async function looks(browser) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
      const page = await screen.newPage(browser, { colorScheme, viewport })
      for (const [name, path] of Object.entries(PAGES)) {
        const full = `${name}-${device}-${colorScheme}`
        await expect.step(full, async () => {
          await screen.open(page, path)
          await inspect(page, full, viewport)
          if (viewport === PHONE) await holdsLongNumbers(page, full)
        })
      }
      await page.context().close()
    }
  }
}
