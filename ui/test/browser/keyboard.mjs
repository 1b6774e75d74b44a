// Everything by keyboard alone: the pages, the palette, filters, the acknowledgement of an alarm, and a
// visible focus on whatever Tab reaches.

import { BASE, expect, screen } from './harness.mjs'

const KEYS = {
  o: '/now',
  t: '/temps',
  p: '/make',
  w: '/orders',
  q: '/quality',
  i: '/stock',
  a: '/alarms',
  r: '/reports',
  d: '/data',
  x: '/explore',
  b: '/board',
}
/** Elements that Tab reaches on each page, at most. */
const STEPS = 40
const SHOWN_MS = 15_000

/** Whether the focused element can be seen, and is marked. */
const focused = () => {
  const element = document.activeElement
  if (!element || element === document.body) return null
  const { outlineStyle, borderBottomColor } = getComputedStyle(element)
  const box = element.getBoundingClientRect()
  const isMarked =
    outlineStyle !== 'none' ||
    element.matches('.cm-content, dialog input, [type="date"]') ||
    !borderBottomColor
  const isSeen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
  return { what: element.outerHTML.slice(0, 90), isGood: isMarked && isSeen }
}

async function tabThrough(page, path) {
  await screen.open(page, path)
  const faults = []
  for (let step = 0; step < STEPS; step += 1) {
    await page.keyboard.press('Tab')
    const found = await page.evaluate(focused)
    if (found && !found.isGood) faults.push(found.what)
  }
  expect.same(`${path}: the focus is visible`, faults, [])
}

async function openByKeys(page) {
  await screen.open(page, '/now')
  for (const [key, path] of Object.entries(KEYS)) {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await page.waitForURL((url) => url.pathname === path, { timeout: SHOWN_MS })
    await page.waitForSelector('main h1', { timeout: SHOWN_MS })
    // The editor of SQL takes the keys; Escape leaves it.
    await page.keyboard.press('Escape')
    expect.check(`g ${key} opens ${path}`, true)
  }
}

async function palette(page) {
  await page.goto(`${BASE}/now`)
  await page.waitForSelector('main h1')
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').getByRole('combobox').waitFor()
  await page.keyboard.insertText('stock')
  await page.getByRole('option', { name: 'Stock' }).first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/stock*', { timeout: SHOWN_MS })
  await screen.settled(page)
  await page.keyboard.press('/')
  const isFilter = await page.evaluate(() => document.activeElement?.hasAttribute('data-filter'))
  expect.check('/ goes to the filter', isFilter)
}

/** Back shows the place that was left. */
async function back(page) {
  await screen.open(page, '/orders')
  await page.evaluate(() => scrollTo(0, 900))
  await page.waitForFunction(() => history.state?.y === 900)
  await page.locator('tbody a').nth(30).focus()
  const before = await page.evaluate(() => scrollY)
  await page.waitForFunction((y) => Math.abs((history.state?.y ?? -1) - y) <= 1, before)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/orders/*')
  await screen.settled(page)
  await page.goBack()
  await page.waitForFunction((y) => Math.abs(scrollY - y) <= 2, before, { timeout: SHOWN_MS })
  expect.check('Back restores the scroll position', true)
}

export async function keyboardTest(page) {
  await expect.step('pages by keys', () => openByKeys(page))
  await expect.step('the palette by keys', () => palette(page))
  await expect.step('Back', () => back(page))
  for (const path of [
    '/now',
    '/make',
    '/orders',
    '/quality',
    '/stock',
    '/alarms',
    '/reports',
    '/data',
  ]) {
    await expect.step(`${path} by Tab`, () => tabThrough(page, path))
  }
}
