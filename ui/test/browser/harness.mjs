// The harness of the browser tests: the API of a running cockpit, what its pages show, and the checks.

export const BASE = process.env.COCKPIT_URL

export const results = { passed: 0, failures: [], problems: [] }

function check(name, isPassed, detail = '') {
  if (isPassed) results.passed += 1
  else {
    results.failures.push(name)
    console.error(`FAILED ${name} ${detail}`)
  }
}

function same(name, shown, expected) {
  const [actual, wanted] = [JSON.stringify(shown), JSON.stringify(expected)]
  check(name, actual === wanted, `shows ${actual}, expected ${wanted}`)
}

/** Runs a step; an exception is a failure of this step only. */
async function step(name, run) {
  try {
    await run()
  } catch (error) {
    check(name, false, error.message)
  }
}

export const expect = { check, same, step }

async function json(path, init) {
  const response = await fetch(`${BASE}/api/v1${path}`, init)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

const api = (path) => json(path)

async function sql(text) {
  const headers = { 'content-type': 'application/json' }
  return (await json('/query', { method: 'POST', headers, body: JSON.stringify({ sql: text }) }))
    .rows
}

const table = (name, query = '') => api(`/tables/${name.replace('.', '/')}?limit=100000${query}`)
const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0)
const cents = (rows, key) => Math.round(rows.reduce((total, row) => total + row[key] * 100, 0))

/** The data of the plant as the API returns it, and sums of it. */
export const plant = { api, sql, table, sum, cents }

/** 18,79,750 or \u22123,899 as a number. */
const number = (text) => Number(text.replace('\u2212', '-').replace(/[^\d.-]/g, ''))

/** A page without a request for this long has loaded what it shows. */
const QUIET_MS = 400
const QUIET_LIMIT_MS = 15_000
/** Not waited for: the live stream, which never ends, its worker, whose end is not reported, and polled routes. */
const ENDLESS = /\/api\/v1\/(live|health|temperatures\/now|alarms)|\/live\.worker/
/** The requests of each page that have not ended. */
const pending = new WeakMap()

function track(page) {
  if (pending.has(page)) return
  const requests = new Set()
  pending.set(page, requests)
  page.on('request', (request) => {
    if (!ENDLESS.test(request.url())) requests.add(request)
  })
  page.on('requestfinished', (request) => requests.delete(request))
  page.on('requestfailed', (request) => requests.delete(request))
}

/** Pages that poll: their network is never quiet. */
const LIVE_PAGES = ['/temps', '/alarms']

/** Waits until a page has had no request for a while. */
async function quiet(page) {
  const end = Date.now() + QUIET_LIMIT_MS
  let since = Date.now()
  while (Date.now() < end && Date.now() - since < QUIET_MS) {
    await new Promise((done) => setTimeout(done, 50))
    if (pending.get(page).size > 0) since = Date.now()
  }
}

async function settled(page) {
  track(page)
  await page.waitForLoadState('load')
  const { pathname } = new URL(page.url())
  if (!LIVE_PAGES.some((path) => pathname.startsWith(path))) await quiet(page)
  await page.waitForSelector('main h1')
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
}

async function open(page, path) {
  track(page)
  await page.goto(BASE + path)
  await settled(page)
}

/** The number of a headline figure. */
async function figure(page, label) {
  const box = page.locator('.figure', { has: page.locator(`.label:text-is("${label}")`) })
  return number(await box.locator('.number').innerText())
}

/** The texts of a panel's table: body rows, and the total row. */
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

/** Each download of the page succeeds and is complete. */
async function downloads(page) {
  const links = await page
    .locator('.downloads a')
    .evaluateAll((anchors) => anchors.map((anchor) => anchor.href))
  check('there are downloads', links.length > 0)
  for (const link of links) {
    const response = await fetch(link)
    const bytes = Buffer.from(await response.arrayBuffer())
    const name = link.replace(BASE, '')
    check(`${name} succeeds`, response.ok && bytes.length > 0, String(response.status))
    if (link.includes('format=json')) {
      const body = JSON.parse(bytes)
      same(`${name} is complete`, body.rows.length, body.total)
    }
    if (link.includes('format=xlsx')) {
      same(`${name} is a workbook`, bytes.subarray(0, 2).toString('latin1'), 'PK')
    }
    if (link.includes('format=parquet')) {
      same(`${name} is Parquet`, bytes.subarray(0, 4).toString('latin1'), 'PAR1')
    }
  }
}

/** A page in a context of its own; its errors, and requests to other hosts, are collected. */
async function newPage(browser, options) {
  const context = await browser.newContext({ locale: 'en-IN', ...options })
  const page = await context.newPage()
  collectProblems(page)
  return page
}

function collectProblems(page) {
  const report = (text) => results.problems.push(`${page.url()}: ${text}`)
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    report(`${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => report(error.message))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== new URL(BASE).origin && protocol.startsWith('http')) report(`requests ${origin}`)
  })
}

/** What the pages show. */
export const screen = { open, settled, figure, number, tableOf, downloads, newPage }
