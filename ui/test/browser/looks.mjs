// Every page, light and dark, on a desk and on a phone.

import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { check, newPage, open, same, step } from './kit.mjs'

const SHOTS = process.env.COCKPIT_SHOTS
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
export const DESK = { width: 1366, height: 768 }
const PHONE = { width: 390, height: 844 }
const PAGES = {
  now: '/now',
  temps: '/temps',
  make: '/make',
  'make-station': '/make?by=station',
  'make-item': '/make?by=item',
  'make-figure': '/make?shift=G&figure=oee.G.BC-0001',
  stock: '/stock',
  books: '/data',
  files: '/data?view=files',
  rejected: '/data?view=rejected',
  quality: '/data?view=quality',
  tables: '/data?view=tables&table=gold.production_hourly',
}
const TOUCH_PX = 44
const LONG = '99,99,99,999.9999'

/** Faults of a page a person would trip over: axe, sideways scroll, clipped words, small targets. */
async function lookAt(page, name, viewport) {
  // Evaluated by the test, not by the page, whose content policy forbids it.
  await page.evaluate(AXE)
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  )
  const faults = violations.map(
    (one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`,
  )
  same(`${name} axe`, faults, [])
  await fits(page, name, viewport)
  if (viewport !== PHONE) return
  const small = await page.evaluate((least) => {
    const targets = [
      ...document.querySelectorAll('.rail a, button, select, input, .by .button, .downloads a'),
    ]
    const seen = targets.filter((one) => one.offsetParent || one.closest('.rail'))
    return seen
      .filter((one) => one.getBoundingClientRect().height < least)
      .map((one) => one.outerHTML.slice(0, 80))
  }, TOUCH_PX)
  same(`${name} has targets for thumbs`, small, [])
}

async function fits(page, name, viewport) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth)
  check(`${name} does not scroll sideways`, wide <= viewport.width, `${wide} px`)
  const clipped = await page.evaluate(() =>
    [...document.querySelectorAll('.value, h1, h2, .label, button, .button, header strong')]
      .filter(
        (one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0,
      )
      .filter((one) => getComputedStyle(one).display !== 'inline')
      .map((one) => one.innerText),
  )
  same(`${name} clips no words`, clipped, [])
}

/** A page is as wide as the phone whatever the plant counts: crores of pieces to four digits too. */
async function holdsLongNumbers(page, name) {
  await page.evaluate((long) => {
    for (const one of document.querySelectorAll('.figure .number')) one.textContent = long
  }, LONG)
  await fits(page, `${name} with long numbers`, PHONE)
}

export async function looks(browser) {
  if (SHOTS) mkdirSync(SHOTS, { recursive: true })
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
      const page = await newPage(browser, { colorScheme, viewport })
      for (const [name, path] of Object.entries(PAGES)) {
        const full = `${name}-${device}-${colorScheme}`
        await step(full, async () => {
          await open(page, path)
          await lookAt(page, full, viewport)
          if (SHOTS) await page.screenshot({ path: join(SHOTS, `${full}.png`) })
          if (viewport === PHONE) await holdsLongNumbers(page, full)
        })
      }
      await page.context().close()
    }
  }
}
