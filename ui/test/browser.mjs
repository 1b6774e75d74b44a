// Drives the pages in a browser against a running cockpit and compares what they show with what
// its API says.
//
//   COCKPIT_URL=http://127.0.0.1:8080 COCKPIT_SHOTS=/tmp/shots node test/browser.mjs
//
// COCKPIT_URL must serve a lake the plant's dumps were read into; with --kafka and a stream the pages of
// temperatures are looked at too. Pictures are taken if
// COCKPIT_SHOTS names a folder. With the word `answers` only the plant's questions are asked, of a stream that
// has ended. CHROMIUM names another browser than /usr/bin/chromium.

import { chromium } from 'playwright-core'
import { dataTest } from './browser/data.mjs'
import { frameTest } from './browser/frame.mjs'
import { BASE, newPage, same, told } from './browser/kit.mjs'
import { DESK, looks } from './browser/looks.mjs'
import { makeTest } from './browser/make.mjs'
import { oeeTest } from './browser/oee.mjs'
import { stockTest } from './browser/stock.mjs'
import { answersTest, tempsTest } from './browser/temps.mjs'

async function everything(browser, page) {
  await makeTest(page)
  await oeeTest(page)
  await stockTest(page)
  await dataTest(page)
  await tempsTest(browser, page)
  await looks(browser)
  same('no page complained or asked another origin', told.trouble, [])
  told.trouble.length = 0
  await frameTest(page)
}

async function main() {
  if (!BASE) {
    console.error('Set COCKPIT_URL to the address of a running cockpit.')
    process.exit(2)
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    const page = await newPage(browser, { viewport: DESK, colorScheme: 'light' })
    if (process.argv.includes('answers')) await answersTest(page)
    else await everything(browser, page)
  } finally {
    await browser.close()
  }
  console.log(`${told.passed} passed, ${told.failures.length} failed`)
  process.exit(told.failures.length > 0 ? 1 : 0)
}

await main()
