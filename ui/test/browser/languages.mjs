// All pages in Malayalam, Hindi and lengthened English: accessibility, overflow, clipped texts, fonts.

import { BASE, expect, screen } from './harness.mjs'
import { AXE_SOURCE, DESK, fits, PAGES, PHONE, violationsOf } from './looks.mjs'

const FONTS = {
  ml: ['Noto Sans Malayalam Variable', '\u0d2e\u0d32\u0d2f\u0d3e\u0d33\u0d02'],
  hi: ['Noto Sans Devanagari Variable', '\u0939\u093f\u0928\u094d\u0926\u0940'],
}
const LETTERS = { ml: /[\u0d00-\u0d7f]/, hi: /[\u0900-\u097f]/ }

async function pageIn(browser, language, options) {
  const page = await screen.newPage(browser, options)
  await page.addInitScript((chosen) => localStorage.setItem('language', chosen), language)
  return page
}

async function opened(page, path) {
  await page.goto(BASE + path)
  await screen.settled(page)
}

/** The script is drawn with its own font, and only with that one. */
async function fontTest(page, language) {
  const [family, sample] = FONTS[language]
  const isLoaded = ([name, text]) => document.fonts.check(`16px "${name}"`, text)
  const loaded = await page.evaluate(() =>
    [...document.fonts].filter(({ status }) => status === 'loaded').map(({ family }) => family),
  )
  expect.check(`${language}: its font is loaded`, await page.evaluate(isLoaded, [family, sample]))
  const others = Object.values(FONTS).filter(([other]) => other !== family)
  const isAlone = others.every(([other]) => !loaded.some((one) => one.includes(other)))
  expect.check(`${language}: no font of another script is loaded`, isAlone, loaded.join())
}

/** The choice of the browser, and that of the person in the menu. */
export async function choiceTest(browser) {
  await expect.step('the language is chosen', async () => {
    const page = await screen.newPage(browser, { locale: 'hi-IN', viewport: DESK })
    await opened(page, '/stock')
    const language = () => page.evaluate(() => document.documentElement.lang)
    expect.same('the pages have the language of the browser', await language(), 'hi')
    await page.locator('.user .toggle').click()
    await Promise.all([
      page.waitForEvent('load'),
      page.getByRole('button', { name: '\u0d2e\u0d32\u0d2f\u0d3e\u0d33\u0d02' }).click(),
    ])
    await screen.settled(page)
    expect.same('the pages have the chosen language', await language(), 'ml')
    await fontTest(page, 'ml')
    await page.context().close()
  })
}

async function inspect(page, name, language, viewport) {
  if (LETTERS[language]) {
    const title = await page.locator('h1').first().innerText()
    const rail = await page.locator('.rail a, h2, .label, .button').allInnerTexts()
    const isTranslated = [title, ...rail].some((text) => LETTERS[language].test(text))
    expect.check(`${name} is translated`, isTranslated, title)
  }
  await fits(page, name, viewport)
}

async function audit(page, name) {
  await page.evaluate(AXE_SOURCE)
  const violations = await violationsOf(page)
  const faults = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(' ')}`,
  )
  expect.same(`${name} axe`, faults, [])
}

/** `isShort` leaves out what another run covers: the dark theme with Hindi, the light one with Malayalam. */
export async function languagesTest(browser, isShort = false) {
  await choiceTest(browser)
  const runs = [
    { language: 'ml', colorScheme: 'dark', viewport: DESK },
    { language: 'hi', colorScheme: 'light', viewport: DESK },
    { language: 'ml', colorScheme: 'light', viewport: PHONE },
    ...(isShort
      ? []
      : [
          { language: 'ml', colorScheme: 'light', viewport: DESK },
          { language: 'hi', colorScheme: 'dark', viewport: DESK },
        ]),
    { language: 'en-XA', colorScheme: 'light', viewport: DESK },
  ]
  for (const { language, ...options } of runs) {
    const page = await pageIn(browser, language, options)
    for (const [key, path] of Object.entries(PAGES)) {
      const name = `${key}-${language}-${options.colorScheme}-${options.viewport.width}`
      await expect.step(name, async () => {
        await opened(page, path)
        await inspect(page, name, language, options.viewport)
        if (options.viewport === DESK && language !== 'en-XA') await audit(page, name)
      })
    }
    await page.context().close()
  }
}
