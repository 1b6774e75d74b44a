// Asks the cockpit, reads its pages, counts what agrees.

export const BASE = process.env.COCKPIT_URL

export const told = { passed: 0, failures: [], trouble: [] }

export function check(name, ok, detail = '') {
  if (ok) told.passed += 1
  else {
    told.failures.push(name)
    console.error(`FAILED ${name} ${detail}`)
  }
}

export function same(name, shown, expected) {
  const [one, other] = [JSON.stringify(shown), JSON.stringify(expected)]
  check(name, one === other, `shows ${one}, expected ${other}`)
}

export async function step(name, run) {
  try {
    await run()
  } catch (error) {
    check(name, false, error.message)
  }
}

export async function api(path) {
  const response = await fetch(`${BASE}/api/v1${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

export async function sql(text) {
  const response = await fetch(`${BASE}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql: text }),
  })
  if (!response.ok) throw new Error(`${text}: ${response.status} ${await response.text()}`)
  return (await response.json()).rows
}

export const table = (name, query = '') =>
  api(`/tables/${name.replace('.', '/')}?limit=100000${query}`)
export const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0)
export const cents = (rows, key) => Math.round(rows.reduce((so, row) => so + row[key] * 100, 0))
/** 18,79,750 or \u22123,899 as a number. */
export const number = (text) => Number(text.replace('\u2212', '-').replace(/[^\d.-]/g, ''))

export async function open(page, path) {
  await page.goto(BASE + path)
  await settled(page)
}

/** Pages that are told news all the time: their network is never idle. */
const LIVE = ['/now', '/temps']

export async function settled(page) {
  const { pathname } = new URL(page.url())
  const isLive = LIVE.some((path) => pathname.startsWith(path))
  await page.waitForLoadState(isLive ? 'load' : 'networkidle')
  await page.waitForSelector('main h1')
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
}

export const figure = async (page, label) => {
  const box = page.locator('.figure', { has: page.locator(`.label:text-is("${label}")`) })
  return number(await box.locator('.number').innerText())
}

/** Texts of a panel's table: body rows, and the total. */
export const tableOf = (page, title) =>
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

/** Every download of the page answers, with as many rows as it says. */
export async function downloads(page) {
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

export async function newPage(browser, options) {
  const context = await browser.newContext({ locale: 'en-IN', ...options })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      told.trouble.push(`${page.url()}: ${message.text()}`)
    }
  })
  page.on('pageerror', (error) => told.trouble.push(`${page.url()}: ${error.message}`))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== new URL(BASE).origin && protocol.startsWith('http')) {
      told.trouble.push(`${page.url()} asked ${origin}`)
    }
  })
  return page
}
