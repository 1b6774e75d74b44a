// Drives the pages in a browser against a running cockpit and compares what they show with what
// its API says.
//
//   COCKPIT_URL=http://127.0.0.1:8080 COCKPIT_SHOTS=/tmp/shots node test/browser.mjs
//
// COCKPIT_URL must serve a lake the plant's dumps were read into. Pictures are taken if
// COCKPIT_SHOTS names a folder. CHROMIUM names another browser than /usr/bin/chromium.

import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const BASE = process.env.COCKPIT_URL
const SHOTS = process.env.COCKPIT_SHOTS
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const DESK = { width: 1366, height: 768 }
const PHONE = { width: 390, height: 844 }
const PAGES = {
  make: '/make',
  'make-station': '/make?by=station',
  'make-item': '/make?by=item',
  stock: '/stock',
  books: '/data',
  files: '/data?view=files',
  rejected: '/data?view=rejected',
  quality: '/data?view=quality',
  tables: '/data?view=tables&table=gold.production_hourly',
}
const TOUCH_PX = 44

let passed = 0
const failures = []
const trouble = []

function check(name, ok, detail = '') {
  if (ok) passed += 1
  else {
    failures.push(name)
    console.error(`FAILED ${name} ${detail}`)
  }
}

function same(name, shown, expected) {
  const [one, other] = [JSON.stringify(shown), JSON.stringify(expected)]
  check(name, one === other, `shows ${one}, expected ${other}`)
}

async function step(name, run) {
  try {
    await run()
  } catch (error) {
    check(name, false, error.message)
  }
}

async function api(path) {
  const response = await fetch(`${BASE}/api/v1${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

async function sql(text) {
  const response = await fetch(`${BASE}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql: text }),
  })
  if (!response.ok) throw new Error(`${text}: ${response.status} ${await response.text()}`)
  return (await response.json()).rows
}

const table = (name, query = '') => api(`/tables/${name.replace('.', '/')}?limit=100000${query}`)
const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0)
const cents = (rows, key) => Math.round(rows.reduce((so, row) => so + row[key] * 100, 0))
/** 18,79,750 or \u22123,899 as a number. */
const number = (text) => Number(text.replace('\u2212', '-').replace(/[^\d.-]/g, ''))

async function open(page, path) {
  await page.goto(BASE + path)
  await settled(page)
}

async function settled(page) {
  await page.waitForLoadState('networkidle')
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
}

const figure = async (page, label) => {
  const box = page.locator('.figure', { has: page.locator(`.label:text-is("${label}")`) })
  return number(await box.locator('.number').innerText())
}

/** Texts of a panel's table: body rows, and the total. */
const tableOf = (page, title) =>
  page
    .locator('section', { has: page.locator(`h2:text-is("${title}")`) })
    .locator('table')
    .first()
    .evaluate((element) => {
      const texts = (row) => [...row.cells].map((cell) => cell.innerText.trim())
      return {
        body: [...element.tBodies[0].rows].map(texts),
        foot: element.tFoot ? texts(element.tFoot.rows[0]) : null,
      }
    })

async function makeDay(page, day, hours, days) {
  await open(page, `/make?day=${day}`)
  same(`${day} plan`, await figure(page, 'Plan'), sum(days, 'planned'))
  same(`${day} made`, await figure(page, 'Made'), sum(days, 'actual'))
  same(`${day} off plan`, await figure(page, 'Off plan'), sum(days, 'actual_off_plan'))
  const { body } = await tableOf(page, 'Boards by hour')
  const line = (name) =>
    body
      .find((row) => row[0] === name)
      .slice(1, -1)
      .map((text) => number(text || '0'))
  const byHour = (key) =>
    Array.from({ length: 24 }, (_, hour) =>
      sum(
        hours.filter((row) => row.hour_local === hour),
        key,
      ),
    )
  same(`${day} plan by hour`, line('Plan'), byHour('planned'))
  same(`${day} made by hour`, line('Made'), byHour('actual'))
  const off = hours.filter((row) => row.plan_rows === 0)
  const offByHour = Array.from({ length: 24 }, (_, hour) =>
    sum(
      off.filter((row) => row.hour_local === hour),
      'actual',
    ),
  )
  same(`${day} off plan by hour`, line('Off plan'), offByHour)
  check(
    `${day} says that its hours close`,
    await page.getByText('The hours add up to the day').isVisible(),
  )
}

async function makeTest(page) {
  const days = await sql('SELECT DISTINCT day_local FROM gold.production_daily ORDER BY day_local')
  const names = days.map((row) => row.day_local)
  const day = names[Math.floor(names.length / 2)]
  const hours = (await table('gold.production_hourly', `&filter.day_local=${day}`)).rows
  const daily = (await table('gold.production_daily', `&filter.day_local=${day}`)).rows

  await step('make by hour', () => makeDay(page, day, hours, daily))
  await step('make pick a day', async () => {
    const other = names[0]
    await page.locator('.picker select').selectOption(other)
    await settled(page)
    same('the address holds the day', new URL(page.url()).searchParams.get('day'), other)
    const rows = (await table('gold.production_daily', `&filter.day_local=${other}`)).rows
    same('the other day made', await figure(page, 'Made'), sum(rows, 'actual'))
    await page.locator('h1').click()
    await page.keyboard.press(']')
    await settled(page)
    same('] goes to the next day with data', new URL(page.url()).searchParams.get('day'), names[1])
    await page.keyboard.press('[')
    await settled(page)
    same('[ goes back', new URL(page.url()).searchParams.get('day'), other)
    await page.goBack()
    await settled(page)
    same('Back undoes it', new URL(page.url()).searchParams.get('day'), names[1])
  })
  await step('make by station', async () => {
    await open(page, `/make?day=${day}`)
    await page.getByRole('link', { name: 'Station', exact: true }).click()
    await settled(page)
    const { body, foot } = await tableOf(page, 'Boards by station')
    const stations = [...new Set(daily.map((row) => row.station))].sort()
    const expected = stations.map((station) => {
      const own = daily.filter((row) => row.station === station)
      return [station, sum(own, 'planned'), sum(own, 'actual')]
    })
    same(
      'stations',
      body.map((row) => [row[0], number(row[1]), number(row[2])]),
      expected,
    )
    same('stations total', [foot[1], foot[2]].map(number), [
      sum(daily, 'planned'),
      sum(daily, 'actual'),
    ])
  })
  await step('make filter a station', async () => {
    const station = daily[0].station
    await page.locator('select[data-filter]').selectOption(station)
    await settled(page)
    const own = daily.filter((row) => row.station === station)
    same('filtered plan', await figure(page, 'Plan'), sum(own, 'planned'))
    same('filtered made', await figure(page, 'Made'), sum(own, 'actual'))
    await page.getByRole('link', { name: 'Item', exact: true }).click()
    await settled(page)
    const { body, foot } = await tableOf(page, 'Boards by item')
    same('items of the station', body.length, new Set(own.map((row) => row.item)).size)
    same('items total made', number(foot[3]), sum(own, 'actual'))
    const made = body.map((row) => number(row[3]))
    same(
      'items stand in order',
      made,
      [...made].sort((a, b) => b - a),
    )
    await page.getByRole('link', { name: /^Plan/ }).click()
    await settled(page)
    const planned = (await tableOf(page, 'Boards by item')).body.map((row) => number(row[2]))
    same(
      'items sort by plan',
      planned,
      [...planned].sort((a, b) => b - a),
    )
  })
  await step('make top ten and inspections', async () => {
    await open(page, `/make?day=${day}`)
    const top = (await table('gold.top_items_daily', `&filter.day_local=${day}&order=rank`)).rows
    const { body } = await tableOf(page, 'Top ten items of the day')
    same(
      'top ten',
      body.map((row) => [row[1], number(row[2])]),
      top.map((row) => [row.item, row.actual]),
    )
    const quality = (await table('gold.quality_hourly', `&filter.day_local=${day}`)).rows
    same('inspected', await figure(page, 'Inspected'), sum(quality, 'inspected'))
    const { foot } = await tableOf(page, 'Inspections by station')
    same('passed', number(foot[2]), sum(quality, 'passed'))
  })
  await step('make downloads', () => downloads(page))
  await step('make says what is missing', async () => {
    await open(page, '/make?day=1999-01-01')
    check('a day without data is told', await page.getByText('There is no data on').isVisible())
  })
}

/** Every download of the page answers, with as many rows as it says. */
async function downloads(page) {
  const links = await page.locator('.downloads a').evaluateAll((all) => all.map((one) => one.href))
  check('there are downloads', links.length > 0)
  for (const link of links) {
    const response = await fetch(link)
    const bytes = Buffer.from(await response.arrayBuffer())
    const name = link.replace(BASE, '')
    check(`${name} answers`, response.ok && bytes.length > 0, String(response.status))
    if (link.includes('format=json')) {
      const answer = JSON.parse(bytes)
      same(`${name} is whole`, answer.rows.length, answer.total)
    }
    if (link.includes('format=parquet')) {
      same(`${name} is Parquet`, bytes.subarray(0, 4).toString('latin1'), 'PAR1')
    }
  }
}

async function stockTest(page) {
  const asOf = '2022-06-30'
  const before = '2022-05-30'
  await step('stock by age', async () => {
    await open(page, `/stock?as_of=${asOf}`)
    const ages = (await table('gold.inventory_ageing', `&parameter.as_of=${asOf}`)).rows
    same('stock quantity', await figure(page, 'Quantity'), sum(ages, 'quantity'))
    same('stock entries', await figure(page, 'Entries'), sum(ages, 'entries'))
    const exact = await page.locator('.figure .note').first().innerText()
    same('stock value', Math.round(number(exact) * 100), cents(ages, 'value'))
    const { body, foot } = await tableOf(page, 'By age')
    const shown = body
      .filter((row) => number(row[1]) > 0)
      .map((row) => [number(row[1]), number(row[3])])
    const order = (row) => (row.age_from_d < 0 ? Infinity : row.age_from_d)
    const expected = [...ages]
      .sort((a, b) => order(a) - order(b))
      .map((row) => [row.entries, Math.round(row.value)])
    same('buckets', shown, expected)
    same('buckets total', number(foot[1]), sum(ages, 'entries'))
    check('the views agree', await page.getByText('give the same total').isVisible())
  })
  await step('stock shows its price rule', async () => {
    const rules = await sql('SELECT DISTINCT price_rule FROM silver.material')
    for (const { price_rule } of rules) {
      check('price rule', await page.getByText(price_rule, { exact: false }).first().isVisible())
    }
  })
  await step('stock change the day', async () => {
    await page.locator('h1').click()
    await page.keyboard.press('[')
    await settled(page)
    same('[ goes back a month', new URL(page.url()).searchParams.get('as_of'), before)
    const ages = (await table('gold.inventory_ageing', `&parameter.as_of=${before}`)).rows
    const { body } = await tableOf(page, 'By age')
    const first = ages.find((row) => row.age_from_d === 0)
    same('the first bucket', number(body[0][1]), first?.entries ?? 0)
    await page.locator('#as-of').fill('2021-03-01')
    await page.locator('#as-of').dispatchEvent('change')
    await settled(page)
    same('the picker sets the day', new URL(page.url()).searchParams.get('as_of'), '2021-03-01')
    check('later entries are told', await page.getByText('after the day').isVisible())
    await page.getByRole('link', { name: 'Today' }).click()
    await settled(page)
    same('today is no parameter', new URL(page.url()).searchParams.get('as_of'), null)
  })
  await step('stock by category and bin', async () => {
    const categories = (await table('gold.inventory_by_category', '&order=-value')).rows
    const { body, foot } = await tableOf(page, 'By category')
    same(
      'top categories',
      body.slice(0, 10).map((row) => [row[0], row[1], number(row[5])]),
      categories
        .slice(0, 10)
        .map((row) => [
          row.disc_group ?? 'none',
          row.posting_group ?? 'none',
          Math.round(row.value),
        ]),
    )
    same('categories total', number(foot[3]), sum(categories, 'entries'))
    const bins = (await table('gold.inventory_by_bin', '&order=bin')).rows
    const shown = (await tableOf(page, 'By bin')).body
    same(
      'bins',
      shown.map((row) => [row[0], number(row[2])]),
      bins.map((row) => [row.bin ?? 'none', row.quantity]),
    )
  })
  await step('stock filter and sort lots', async () => {
    const lots = (await table('gold.inventory_by_lot')).rows
    const lot = lots.find((row) => row.lot_no).lot_no
    await page.keyboard.press('/')
    await page.keyboard.type(lot)
    await settled(page)
    const own = lots.filter((row) =>
      `${row.lot_no} ${row.item_no} ${row.description}`.includes(lot),
    )
    const { foot } = await tableOf(page, 'By lot')
    same('lots found', number(foot[5]), sum(own, 'entries'))
    await page.getByRole('link', { name: /^Entries/ }).click()
    await settled(page)
    const entries = (await tableOf(page, 'By lot')).body.map((row) => number(row[5]))
    same(
      'lots in order',
      entries,
      [...entries].sort((a, b) => b - a),
    )
  })
  await step('stock downloads', () => downloads(page))
  await step('stock says what is no day', async () => {
    await open(page, '/stock?as_of=2022-02-31')
    check('a day that does not exist is told', await page.getByText('does not exist').isVisible())
  })
}

async function dataTest(page) {
  await step('data books', async () => {
    await open(page, '/data')
    const runs = (await table('meta.runs')).rows
    const { body } = await tableOf(page, 'Books')
    same('books', body.length, Math.min(runs.length, 100))
    const open_ = runs.filter(
      (row) =>
        !row.closed ||
        row.read !== row.bronze ||
        row.bronze !== row.silver + row.rejected + row.superseded,
    )
    const off = body.filter((row) => !row[7].includes('closes')).length
    same('books that do not close are loud', off, open_.length)
    const read = body.reduce((total, row) => total + number(row[2]), 0)
    if (runs.length <= 100) same('records read', read, sum(runs, 'read'))
  })
  await step('data files', async () => {
    await page.getByRole('link', { name: /^Files/ }).click()
    await settled(page)
    const files = (await table('meta.files')).rows
    const { body } = await tableOf(page, 'Files')
    same(
      'files',
      new Set(body.map((row) => row[0])).size,
      new Set(files.map((row) => row.file)).size,
    )
  })
  await step('data rejected', async () => {
    await page.getByRole('link', { name: /^Rejected/ }).click()
    await settled(page)
    const [{ n }] = await sql('SELECT count(*) AS n FROM silver.rejected')
    same('rejected rows', await figure(page, 'Rejected'), n)
    if (n === 0) check('none is told', await page.getByText('No row has been rejected').isVisible())
  })
  await step('data expectations', async () => {
    await page.getByRole('link', { name: /^Expectations/ }).click()
    await settled(page)
    const quality = (await table('meta.quality')).rows
    const { body } = await tableOf(page, 'Expectations')
    const keys = new Set(quality.map((row) => `${row.table_name} ${row.expectation}`))
    same('expectations', body.length, Math.min(keys.size, 100))
  })
  await step('data tables', async () => {
    await page.getByRole('link', { name: /^Tables/ }).click()
    await settled(page)
    const tables = (await table('meta.tables')).rows
    same('tables', await page.locator('.split nav a').count(), tables.length)
    await page.getByRole('link', { name: /^production_hourly/ }).click()
    await settled(page)
    const columns = await sql(
      "SELECT column_name FROM meta.columns WHERE schema_name = 'gold' AND table_name = 'production_hourly' ORDER BY position",
    )
    const { body } = await tableOf(page, 'gold.production_hourly')
    same(
      'columns',
      body.map((row) => row[0]),
      columns.map((row) => row.column_name),
    )
    const lineage = await sql(
      "SELECT DISTINCT from_schema, from_table FROM meta.lineage WHERE schema_name = 'gold' AND table_name = 'production_hourly'",
    )
    for (const { from_schema, from_table } of lineage) {
      const link = page
        .locator('.lineage')
        .getByRole('link', { name: `${from_schema}.${from_table}`, exact: true })
      check(`made from ${from_schema}.${from_table}`, (await link.count()) === 1)
    }
  })
}

async function frameTest(page) {
  await step('frame', async () => {
    await open(page, '/')
    same('/ goes to /make', new URL(page.url()).pathname, '/make')
    await open(page, '/nowhere')
    check(
      'a missing page is told',
      await page.getByText('There is no page at /nowhere').isVisible(),
    )
    await open(page, '/make?lane=4')
    check('an unused parameter is told', await page.getByText('not used here: lane').isVisible())
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
    await page.keyboard.press('t')
    same('t makes it dark', await theme(), 'dark')
    await page.keyboard.press('t')
    same('t makes it light', await theme(), 'light')
    await page.keyboard.press('?')
    check('? shows the keys', await page.getByRole('dialog').isVisible())
    await page.keyboard.press('Escape')
    check('Escape hides them', !(await page.getByRole('dialog').isVisible()))
    await page.keyboard.press('j')
    check(
      'j goes to a row',
      await page.evaluate(() => document.activeElement?.hasAttribute('data-row')),
    )
    const health = await api('/health')
    check(
      'the plant is named',
      await page.locator('header strong').getByText(health.plant).isVisible(),
    )
    check('the link is told', await page.locator('header').getByText('connected').isVisible())
  })
  await step('no connection is told', async () => {
    await page.route('**/api/v1/**', (route) => route.abort())
    await page.goto(`${BASE}/stock`)
    await page.getByText('The server does not answer').waitFor({ timeout: 15_000 })
    check('the page says that nobody answers', true)
    await page.unroute('**/api/v1/**')
    await page.locator('.figure').first().waitFor({ timeout: 25_000 })
    check('the page mends itself', true)
  })
  await step('nothing read is told', async () => {
    const gone = { error: { code: 'unknown_table', message: 'there is no table' } }
    await page.route(/api\/v1\/(tables|query)/, (route) =>
      route.fulfill({ status: 404, json: gone }),
    )
    for (const path of ['/make', '/stock', '/data']) {
      await page.goto(BASE + path)
      await page.getByText('cockpit ingest').first().waitFor({ timeout: 5_000 })
      check(`${path} says that nothing was read`, true)
    }
    await page.unroute(/api\/v1\/(tables|query)/)
  })
}

/** Faults of a page a person would trip over: axe, sideways scroll, clipped words, small targets. */
async function lookAt(page, name, viewport) {
  // Evaluated by the test, not by the page, whose content policy forbids it.
  await page.evaluate(AXE)
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  )
  const told = violations.map(
    (one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`,
  )
  same(`${name} axe`, told, [])
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
  if (viewport !== PHONE) return
  const small = await page.evaluate((least) => {
    const targets = [...document.querySelectorAll('.rail a, button, select, input, .by .button')]
    const seen = targets.filter((one) => one.offsetParent || one.closest('.rail'))
    return seen
      .filter((one) => one.getBoundingClientRect().height < least)
      .map((one) => one.outerHTML.slice(0, 80))
  }, TOUCH_PX)
  same(`${name} has targets for thumbs`, small, [])
}

async function looks(browser) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
      const page = await newPage(browser, { colorScheme, viewport })
      for (const [name, path] of Object.entries(PAGES)) {
        const full = `${name}-${device}-${colorScheme}`
        await step(full, async () => {
          await open(page, path)
          await lookAt(page, full, viewport)
          if (SHOTS) await page.screenshot({ path: join(SHOTS, `${full}.png`) })
        })
      }
      await page.context().close()
    }
  }
}

async function newPage(browser, options) {
  const context = await browser.newContext({ locale: 'en-IN', ...options })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      trouble.push(`${page.url()}: ${message.text()}`)
    }
  })
  page.on('pageerror', (error) => trouble.push(`${page.url()}: ${error.message}`))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== new URL(BASE).origin && protocol.startsWith('http')) {
      trouble.push(`${page.url()} asked ${origin}`)
    }
  })
  return page
}

async function main() {
  if (!BASE) {
    console.error('Set COCKPIT_URL to the address of a running cockpit.')
    process.exit(2)
  }
  if (SHOTS) mkdirSync(SHOTS, { recursive: true })
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    const page = await newPage(browser, { viewport: DESK, colorScheme: 'light' })
    await makeTest(page)
    await stockTest(page)
    await dataTest(page)
    await looks(browser)
    same('no page complained or asked another origin', trouble, [])
    trouble.length = 0
    await frameTest(page)
  } finally {
    await browser.close()
  }
  console.log(`${passed} passed, ${failures.length} failed`)
  process.exit(failures.length > 0 ? 1 : 0)
}

await main()
