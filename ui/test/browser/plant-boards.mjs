// The boards of the plant folder: their figures equal the API and the tables, on a page and on a wall; what is
// wrong is shown; the editor writes a file that other pages show at once.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BASE, expect, plant, results, screen } from './harness.mjs'
import { DESK, inspect, PHONE } from './looks.mjs'

const HD = { width: 1920, height: 1080 }
const NAMES = ['data-engineer', 'manager', 'stores', 'supervisor']
const FAR_M = 10
const RELOAD_MS = 20_000
const SAVE_MS = 20_000

const tileOf = (page, name) => page.locator(`[data-tile="${name}"]`)
const rowsOf = (data, name) => data.tiles.find((tile) => tile.name === name)

/** The rows of a board as the page requests them: the address of the last request. */
async function opened(page, path) {
  const answered = page.waitForResponse((response) => /\/boards\/[^/]+\/data/.test(response.url()))
  await screen.open(page, path)
  await answered
  await screen.settled(page)
}

/** A figure in the digits of the page. */
const digitsOf = (value, unit, digits) => {
  const scaled = unit === '%' ? 100 * value : value
  return Number(scaled.toFixed(digits ?? (unit === '%' ? 1 : 0)))
}

/** Each figure of a board equals the API, and the statement of its receipt gives the same value. */
async function figuresEqual(page, name) {
  const request = page.waitForRequest((one) => one.url().includes(`/boards/${name}/data`))
  await screen.open(page, `/board/${name}`)
  const url = new URL((await request).url())
  const board = await plant.api(`/boards/${name}`)
  const data = await plant.api(url.pathname.slice('/api/v1'.length) + url.search)
  for (const tile of board.tiles) {
    const rows = rowsOf(data, tile.name)
    expect.same(`${name}: ${tile.name} has no error`, rows.error, null)
    expect.check(`${name}: ${tile.name} has rows`, rows.rows.length > 0)
    const again = await plant.sql(rows.sql)
    const first = again.slice(0, rows.rows.length)
    expect.same(`${name}: the statement of ${tile.name} gives its rows`, first, rows.rows)
    if (tile.kind !== 'number' || rows.rows.length === 0) continue
    const [key] = tile.roles.value
    const column = rows.columns.find((one) => one.name === key)
    // Large amounts of money are shown in lakh and crore.
    if (column.unit === 'INR') continue
    const shown = screen.number(await tileOf(page, tile.name).locator('.number').innerText())
    const wanted = digitsOf(Number(rows.rows[0][key]), column.unit, column.digits)
    expect.same(`${name}: ${tile.name} on the page`, shown, wanted)
  }
  for (const tile of board.tiles.filter(({ kind }) => kind === 'table')) {
    const count = await tileOf(page, tile.name).locator('tbody tr').count()
    expect.same(`${name}: rows of ${tile.name}`, count, rowsOf(data, tile.name).rows.length)
  }
}

/** A figure opens its statement, the version of its tables, and the same rows in Explore. */
async function receiptOpens(page) {
  await opened(page, '/board/supervisor')
  await tileOf(page, 'made').locator('.open').click()
  const drawer = page.getByRole('dialog')
  await drawer.waitFor()
  const text = await drawer.innerText()
  expect.check('the receipt names the table', text.includes('gold.production_rate'), text)
  expect.check('the receipt has a version', /version \d+/.test(text), text)
  const focused = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
  expect.same('the receipt has the focus', focused, 'Close')
  await page.keyboard.press('Escape')
  expect.same('Escape closes the receipt', await page.getByRole('dialog').count(), 0)
  const shown = screen.number(await tileOf(page, 'made').locator('.number').innerText())
  await tileOf(page, 'made').locator('.open').click()
  await page.getByRole('link', { name: 'Open in Explore' }).click()
  await screen.settled(page)
  await page.locator('[role="table"] [role="cell"]').first().waitFor()
  const cells = await page.locator('[role="cell"]').allInnerTexts()
  expect.same('Explore has the same figure', Number(cells[0]), shown)
}

/** The time control changes the rows. */
async function timeChangesRows(page) {
  await opened(page, '/board/supervisor?t=7d')
  const week = screen.number(await tileOf(page, 'made').locator('.number').innerText())
  await opened(page, '/board/supervisor?t=last')
  const shift = screen.number(await tileOf(page, 'made').locator('.number').innerText())
  expect.check(
    'a week has more boards than a shift',
    week > shift && shift > 0,
    `${week}, ${shift}`,
  )
}

/** On a wall, every tile is shown on some page, with letters for the distance. */
async function wallIsReadable(page) {
  await page.setViewportSize(HD)
  for (const name of NAMES) {
    const { tiles } = await plant.api(`/boards/${name}`)
    await page.goto(`${BASE}/wall/${name}?inch=55&metres=${FAR_M}&every=3`)
    await page.locator('[data-tile]').first().waitFor()
    const seen = new Set()
    let smallest = Number.POSITIVE_INFINITY
    const pages = Number(
      (/\/(\d+)/.exec((await page.locator('[data-page]').allInnerTexts()).join('')) ?? [])[1] ?? 1,
    )
    for (let nth = 0; nth < pages; nth += 1) {
      const { names, fonts } = await page.evaluate(() => {
        const isText = (element) =>
          [...element.childNodes].some(
            (node) => node.nodeType === 3 && node.nodeValue.trim() !== '',
          )
        const own = [...document.querySelectorAll('.wall :is(h1, h2, span, td, th, text)')]
        const visible = own.filter(
          (one) => isText(one) && !one.closest('.visually-hidden, .priority'),
        )
        return {
          names: [...document.querySelectorAll('[data-tile]')].map((one) => one.dataset.tile),
          fonts: visible.map((one) => Number.parseFloat(getComputedStyle(one).fontSize)),
        }
      })
      for (const one of names) seen.add(one)
      smallest = Math.min(smallest, ...fonts)
      if (nth + 1 < pages) {
        const turn = await page.locator('[data-page]').textContent()
        await page.waitForFunction(
          (old) => document.querySelector('[data-page]')?.textContent !== old,
          turn,
        )
      }
    }
    expect.same(
      `wall ${name}: every tile is shown`,
      [...seen].sort(),
      tiles.map((one) => one.name).sort(),
    )
    const pitch_mm = (55 * 25.4) / Math.hypot(HD.width, HD.height)
    const minutes = Math.atan((smallest * 0.72 * pitch_mm) / (FAR_M * 1000)) * (180 / Math.PI) * 60
    expect.check(
      `wall ${name}: letters of at least 11 arc minutes`,
      minutes >= 11,
      minutes.toFixed(1),
    )
    const overflow = await page.evaluate(() => document.documentElement.scrollHeight > innerHeight)
    expect.check(`wall ${name}: nothing is below the screen`, !overflow)
  }
  await page.setViewportSize(DESK)
}

/** Without a server, what is shown is hatched and no figure seems current. */
async function wallShowsLostData(page) {
  const before = results.problems.length
  await page.goto(`${BASE}/wall/supervisor`)
  await page.locator('[data-tile] .number').first().waitFor()
  await page.route('**/api/v1/**', (route) => route.abort())
  await page.locator('.wall.stale').waitFor({ timeout: RELOAD_MS })
  const hatched = await page.locator('[data-tile].hatch').count()
  expect.check('every tile is hatched', hatched > 0, String(hatched))
  expect.check('the loss is reported', await page.getByText(/no data since/).isVisible())
  await page.unroute('**/api/v1/**')
  results.problems.length = before
}

const faulty = `title = "Faults"

[[tile]]
name = "works"
kind = "number"
sql = "SELECT CAST(42 AS BIGINT) AS answer, CAST(0.5 AS DOUBLE) AS share, CAST('2020-01-01T00:00:00Z' AS TIMESTAMP) AS at"
value = "answer"
coverage = "share"
at = "at"
stale_after = "1 h"
limits = [{ above = 40, priority = 2 }]

[[tile]]
name = "fails"
kind = "number"
sql = """
SELECT
    xqzzx AS answer
FROM gold.production_daily"""
value = "answer"

[[tile]]
name = "empty"
kind = "bars"
sql = "SELECT station, actual FROM gold.production_daily WHERE false"
x = "station"
y = "actual"
`

/** A file that is saved is shown; a tile with a mistake does not affect the others; a faulty file changes nothing. */
async function filesAreFollowed(page, folder) {
  const path = join(folder, 'boards', 'faults.toml')
  writeFileSync(path, faulty)
  await page.waitForTimeout(0)
  await expectEventually(async () =>
    (await plant.api('/boards')).boards.some((one) => one.name === 'faults'),
  )
  await screen.open(page, '/board/faults')
  const works = tileOf(page, 'works')
  expect.same(
    'a tile works beside one that fails',
    await works.locator('.number').innerText(),
    '42',
  )
  const reasons = await works.locator('.reasons').innerText()
  expect.check(
    'old and partial data is hatched with the reason',
    /stale/.test(reasons) && /50\.0 %/.test(reasons),
    reasons,
  )
  expect.same('a limit has the badge of its priority', await works.locator('svg.p2').count(), 1)
  const error = await tileOf(page, 'fails').innerText()
  expect.check(
    'a failing tile has its reason and line',
    /failed/.test(error) && /line 1[78]/.test(error),
    error,
  )
  expect.check(
    'an empty tile is empty',
    (await tileOf(page, 'empty').innerText()).includes('No rows'),
  )
  await inspect(page, 'board-faults-desk-light', DESK)
  writeFileSync(path, faulty.replace('"Faults"', '"Renamed"'))
  await page.getByRole('heading', { name: 'Renamed' }).waitFor({ timeout: RELOAD_MS })
  writeFileSync(path, faulty.replace('title = "Faults"', 'title = ['))
  await page.getByText(/Mistakes in the file: 1/).waitFor({ timeout: RELOAD_MS })
  expect.same(
    'the board before remains',
    await tileOf(page, 'works').locator('.number').innerText(),
    '42',
  )
}

async function expectEventually(test) {
  const end = Date.now() + RELOAD_MS
  while (!(await test())) {
    if (Date.now() > end) throw new Error('the condition was not met in time')
    await new Promise((done) => setTimeout(done, 250))
  }
}

/** A board is written with the form and the text; the preview follows; the file, the change and the audit log agree. */
async function editorWrites(page, other, folder) {
  const path = join(folder, 'boards', 'shift-notes.toml')
  await screen.open(page, '/board')
  await page.getByLabel('New board').fill('shift-notes')
  await page.getByRole('button', { name: 'Write it' }).click()
  const review = page.getByRole('button', { name: 'Review the change' })
  await tileOf(page, 'made').locator('.number').waitFor({ timeout: SAVE_MS })
  await page.getByLabel('Title', { exact: true }).fill('Made so far')
  await page.getByLabel('Title', { exact: true }).press('Tab')
  await page.getByRole('heading', { name: 'Made so far' }).waitFor({ timeout: SAVE_MS })
  await page.getByLabel('New tile').selectOption('bars')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await tileOf(page, 'bars').locator('svg').first().waitFor({ timeout: SAVE_MS })
  await inspect(page, 'board-editor-desk-light', DESK)
  await review.click()
  const diff = await page.locator('.diff').innerText()
  expect.check('the change is shown', diff.includes('title = "Made so far"'), diff)
  expect.check('nothing is written before', !existsSync(path))
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('Saved.').waitFor({ timeout: SAVE_MS })
  const stored = readFileSync(path, 'utf8')
  expect.check(
    'the file has the text',
    stored.includes('title = "Made so far"') && stored.includes('kind = "bars"'),
    stored,
  )
  await screen.open(other, '/board/shift-notes')
  await tileOf(other, 'bars').waitFor()
  // A mistake has its line, and cannot be saved.
  await page.getByRole('combobox', { name: 'Tile', exact: true }).selectOption('made')
  await page.getByRole('combobox', { name: 'Kind', exact: true }).selectOption('heat')
  await page.getByText('`x` is missing').waitFor({ timeout: SAVE_MS })
  expect.check('a mistake cannot be saved', await review.isDisabled())
  await page.getByRole('button', { name: 'Undo all changes' }).click()
  // Someone else changes the file: nothing is overwritten. The browser reports the refusal as an error.
  const before = results.problems.length
  writeFileSync(path, stored.replace('Made so far', 'Made by another'))
  await page.getByLabel('Title', { exact: true }).fill('Mine')
  await page.getByLabel('Title', { exact: true }).press('Tab')
  await page.waitForFunction(() =>
    [...document.querySelectorAll('button')].some(
      (one) => one.textContent === 'Review the change' && !one.disabled,
    ),
  )
  await review.click()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('was changed meanwhile').waitFor({ timeout: SAVE_MS })
  expect.check(
    'the file of the other remains',
    readFileSync(path, 'utf8').includes('Made by another'),
  )
  results.problems.length = before
  await page.getByRole('button', { name: 'Load the file again' }).click()
  await other.getByRole('heading', { name: 'Made by another' }).waitFor({ timeout: RELOAD_MS })
  // A board is removed. The browser reports as an error that the other page finds it no more.
  const kept = results.problems.length
  await page.getByRole('button', { name: 'Remove the board' }).click()
  await page.getByRole('button', { name: /Confirm|Yes/ }).click()
  await page.waitForURL(`${BASE}/board`)
  expect.check('the file is removed', !existsSync(path))
  await other.getByText('unknown board shift-notes').waitFor({ timeout: RELOAD_MS })
  await screen.open(other, '/board')
  results.problems.length = kept
}

/** Every board in both themes, on a desktop, a phone and a wall. */
async function looksRight(browser) {
  const devices = { desk: DESK, phone: PHONE, wide: HD }
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of Object.entries(devices)) {
      const page = await screen.newPage(browser, { colorScheme, viewport })
      for (const name of NAMES) {
        await expect.step(`${name} ${device} ${colorScheme}`, async () => {
          await opened(page, `/board/${name}`)
          await inspect(page, `board-${name}-${device}-${colorScheme}`, viewport)
        })
      }
      if (device === 'wide') {
        await screen.open(page, '/wall/supervisor?inch=55&metres=5')
        await page.locator('[data-tile] .number').first().waitFor()
        await inspect(page, `wall-supervisor-${colorScheme}`, viewport)
      }
      await page.context().close()
    }
  }
}

/** The steps; with names, only these. */
export async function plantBoardsTest(browser, folder, names = []) {
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  const other = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  const steps = {
    figures: async () => {
      for (const name of NAMES) await figuresEqual(page, name)
    },
    receipt: () => receiptOpens(page),
    time: () => timeChangesRows(page),
    wall: () => wallIsReadable(page),
    lost: () => wallShowsLostData(page),
    files: () => filesAreFollowed(page, folder),
    editor: () => editorWrites(page, other, folder),
    looks: () => looksRight(browser),
  }
  for (const [name, run] of Object.entries(steps)) {
    if (names.length === 0 || names.includes(name)) await expect.step(name, run)
  }
  expect.same('no page reports an error or requests another host', results.problems, [])
}
