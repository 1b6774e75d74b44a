// Drives the pages of a running cockpit in a browser and compares them with its API.
//
//   COCKPIT_URL=http://127.0.0.1:8080 COCKPIT_SHOTS=/tmp/shots node test/browser.mjs [answers]
//
// COCKPIT_URL must serve a lake with the dumps of the plant, without login; with a Kafka stream the
// temperature pages are tested too. COCKPIT_SHOTS is a folder for screenshots. `answers` tests only
// the questions of the plant about a stream that has ended. CHROMIUM is the path of the browser,
// /usr/bin/chromium by default. Login, roles and settings have tests of their own in access.mjs.

import { boardsTest } from './browser/boards.mjs'
import { dataTest } from './browser/data.mjs'
import { exploreTest } from './browser/explore.mjs'
import { frameTest } from './browser/frame.mjs'
import { BASE, expect, results, screen } from './browser/harness.mjs'
import { DESK, looks } from './browser/looks.mjs'
import { makeTest } from './browser/make.mjs'
import { nowTest } from './browser/now.mjs'
import { oeeTest } from './browser/oee.mjs'
import { ordersTest } from './browser/orders.mjs'
import { qualityTest } from './browser/quality.mjs'
import { questionsTest } from './browser/questions.mjs'
import { stationTest } from './browser/station.mjs'
import { stockTest } from './browser/stock.mjs'
import { answersTest, tempsTest } from './browser/temps.mjs'
import { inBrowser } from './start.mjs'

async function allPages(browser, page) {
  await nowTest(page)
  await makeTest(page)
  await oeeTest(page)
  await stationTest(page)
  await ordersTest(page)
  await qualityTest(page)
  await stockTest(page)
  await dataTest(page)
  await questionsTest(page)
  await exploreTest(page)
  await boardsTest(page)
  await tempsTest(browser, page)
  await looks(browser)
  expect.same('no page reports an error or requests another host', results.problems, [])
  results.problems.length = 0
  await frameTest(page)
}

async function run(browser) {
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  if (process.argv.includes('answers')) await answersTest(page)
  else await allPages(browser, page)
}

async function main() {
  if (!BASE) {
    console.error('COCKPIT_URL is not set: expected the address of a running cockpit.')
    process.exit(2)
  }
  await inBrowser(run)
  // Requests that are still open do not delay the end.
  process.exit()
}

await main()
