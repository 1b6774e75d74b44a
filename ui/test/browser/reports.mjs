// The pages of reports: a report is previewed, downloaded, issued and sent, and its history shows who received it.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BASE, expect, plant, results, screen } from './harness.mjs'
import { DESK, inspect, PHONE } from './looks.mjs'

const NAME = 'test-boards'
const PATH = `/reports/${NAME}`
const TITLE = 'Boards of a day'
/** The first report of the demo compiles its template in a debug build. */
const RUN_MS = 60_000
const SEND_MS = 30_000
const ABSENT = 'alarms.toml has no channel'

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')

async function fetched(link) {
  const response = await fetch(link)
  const bytes = Buffer.from(await response.arrayBuffer())
  return { ok: response.ok, bytes, name: response.headers.get('content-disposition') ?? '' }
}

/** The boards of each station, from the table itself. */
async function boardsOf(day) {
  const sql = `select station, sum(actual) as boards from gold.production_daily
    where day_local = '${day}' group by station order by station`
  return plant.sql(sql)
}

async function catalogue(page) {
  await screen.open(page, '/reports')
  const { reports } = await plant.api('/reports')
  expect.same('every report is listed', await page.locator('tbody tr').count(), reports.length)
  const { body } = await screen.tableOf(page, 'Reports')
  const row = body.find(([title]) => title === TITLE)
  expect.same('its schedule', row?.[1], '15 min after shift G')
  expect.check('its next run is shown', row?.[2] !== '–', row?.[2])
  await page.getByRole('link', { name: TITLE, exact: true }).click()
  await screen.settled(page)
}

/** The last day with boards: the default is the last day whose shifts have ended, which may have no records yet. */
async function lastDay() {
  const sql = 'select max(day_local)::text as day from gold.production_daily where actual > 0'
  return (await plant.sql(sql))[0].day
}

/** The preview is made for the chosen day, and follows the form. */
async function preview(page) {
  const image = page.locator('.pages img').first()
  await image.waitFor({ timeout: RUN_MS })
  const day = await lastDay()
  await page.getByLabel('Day', { exact: true }).fill(day)
  await screen.settled(page)
  const boards = await boardsOf(day)
  expect.check('the day has boards', boards.length > 0, day)
  const csv = (await fetched(`${BASE}/api/v1${PATH}/file?format=csv&day=${day}`)).bytes.toString()
  for (const { station, boards: count } of boards) {
    expect.check(`the boards of ${station}`, csv.includes(`${station},${count}`), csv)
  }
  const isDrawn = await image.evaluate((one) => one.complete && one.naturalWidth > 0)
  expect.check('the page is drawn', isDrawn)
  const before = await image.getAttribute('src')
  await page.getByLabel('Station').selectOption({ index: 1 })
  await page.waitForFunction((old) => document.querySelector('.pages img')?.src !== old, before, {
    timeout: RUN_MS,
  })
  await screen.settled(page)
  expect.check('the address has the choice', page.url().includes('station='), page.url())
}

/** Every format is a file of its kind, and the same request gives the same bytes. */
async function downloads(page) {
  const starts = { PDF: '%PDF', XLSX: 'PK', CSV: '', HTML: '<!' }
  for (const [format, start] of Object.entries(starts)) {
    const link = page.getByRole('link', { name: new RegExp(`^${format}`) }).first()
    const href = await link.evaluate((anchor) => anchor.href)
    const file = await fetched(href)
    expect.check(`${format} succeeds`, file.ok && file.bytes.length > 0, href)
    const head = file.bytes.subarray(0, start.length).toString('latin1')
    expect.same(`${format} is one`, head.toLowerCase(), start.toLowerCase())
    expect.check(`${format} has a name`, file.name.includes(NAME), file.name)
  }
}

/** Issuing stores the files, writes them into the folder, and shows a delivery that fails. */
async function issue(page, sent) {
  await page.getByRole('button', { name: /^Issue and send/ }).click()
  await page.getByRole('button', { name: /^Confirm/ }).click()
  await page.getByRole('heading', { name: /^Deliveries of No\./ }).waitFor({ timeout: RUN_MS })
  const id = Number(new URL(page.url()).searchParams.get('issued'))
  const end = Date.now() + SEND_MS
  let detail
  while (Date.now() < end) {
    detail = await plant.api(`/issued-reports/${id}`)
    const states = detail.deliveries.map(({ kind, state, attempts }) => [kind, state, attempts > 0])
    if (
      states.some(([kind, state]) => kind === 'folder' && state === 'sent') &&
      states.every((it) => it[2])
    )
      break
    await new Promise((done) => setTimeout(done, 200))
  }
  const { issued, deliveries } = detail
  for (const file of issued.files) {
    const stored = await fetched(`${BASE}/api/v1/issued-reports/${id}/files/${file.format}`)
    expect.same(`the digest of ${file.name}`, digest(stored.bytes), file.sha256)
    const path = join(sent, NAME, file.name)
    const isSame = existsSync(path) && digest(readFileSync(path)) === file.sha256
    expect.check(`${file.name} is in the folder`, isSame)
  }
  const mail = deliveries.find(({ kind }) => kind === 'message')
  expect.check('a missing channel is shown', mail?.last_error?.includes(ABSENT), mail?.last_error)
  await screen.open(page, `${PATH}?issued=${id}`)
  const { body } = await screen.tableOf(page, 'Issued reports')
  expect.same('the history has the report', body[0]?.[0], String(id))
  const table = await screen.tableOf(page, `Deliveries of No. ${id}`)
  expect.same('who received it', table.body.length, deliveries.length)
}

/** A scan of an old document leads to a page that names the receipt. */
async function receipt(page) {
  await screen.open(page, `${PATH}?id=00000000`)
  await page.locator('.pages img').first().waitFor({ timeout: RUN_MS })
  const text = await page.locator('main').innerText()
  expect.check('another receipt is named', text.includes('00000000 belongs to earlier data'), text)
}

async function looks(browser) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
      const page = await screen.newPage(browser, { colorScheme, viewport })
      const { issued } = await plant.api(`/issued-reports?report=${NAME}`)
      const paths = { reports: '/reports', report: `${PATH}?issued=${issued[0]?.id}` }
      for (const [name, path] of Object.entries(paths)) {
        const full = `${name}-${device}-${colorScheme}`
        await expect.step(full, async () => {
          await screen.open(page, path)
          if (name === 'report')
            await page.locator('.pages img').first().waitFor({ timeout: RUN_MS })
          await inspect(page, full, viewport)
        })
      }
      await page.context().close()
    }
  }
}

/** A printed page has neither navigation nor controls, and is light in the dark theme too. */
async function printed(browser) {
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'dark' })
  await screen.open(page, '/reports')
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  const isHidden = await page.locator('nav.rail').isHidden()
  expect.check('the navigation is not printed', isHidden)
  const text = await page.evaluate(() => getComputedStyle(document.documentElement).color)
  expect.same('the text is dark on paper', text, 'rgb(26, 30, 35)')
  await page.context().close()
}

export async function reportTest(browser, sent) {
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  await expect.step('the catalogue', () => catalogue(page))
  await expect.step('the preview', () => preview(page))
  await expect.step('the downloads', () => downloads(page))
  await expect.step('issued and sent', () => issue(page, sent))
  await expect.step('a receipt', () => receipt(page))
  await looks(browser)
  await expect.step('printed', () => printed(browser))
  expect.same('no page reports an error or requests another host', results.problems, [])
}
