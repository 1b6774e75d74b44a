// The sources on the data page: a database that works, is killed, and runs again.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, plant, results, screen } from './harness.mjs'
import { AXE_SOURCE, DESK, PHONE, violationsOf } from './looks.mjs'

const SHOTS = process.env.COCKPIT_SHOTS
const STATE_LIMIT_MS = 60_000

/** Waits until the page shows a text in the table of sources. */
const shows = (page, text) =>
  page
    .locator('section', { has: page.locator('h2:text-is("Sources")') })
    .locator('tbody')
    .getByText(text)
    .first()
    .waitFor({ timeout: STATE_LIMIT_MS })

async function look(browser, name) {
  if (SHOTS) mkdirSync(SHOTS, { recursive: true })
  for (const [size, viewport] of [
    ['desk', DESK],
    ['phone', PHONE],
  ]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await screen.newPage(browser, { viewport, colorScheme })
      await screen.open(page, '/data?view=sources')
      await page.evaluate(AXE_SOURCE)
      const faults = (await violationsOf(page)).map(({ id }) => id)
      expect.same(`${name} on a ${size}, ${colorScheme}: axe`, faults, [])
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      expect.same(
        `${name} on a ${size}, ${colorScheme}: does not scroll sideways`,
        overflow <= 0,
        true,
      )
      if (SHOTS)
        await page.screenshot({ path: join(SHOTS, `sources-${name}-${size}-${colorScheme}.png`) })
      await page.context().close()
    }
  }
}

async function languages(browser) {
  for (const [locale, title] of [
    ['ml-IN', 'ഉറവിടങ്ങൾ'],
    ['hi-IN', 'स्रोत'],
  ]) {
    const page = await screen.newPage(browser, { viewport: DESK, locale })
    await screen.open(page, '/data?view=sources')
    expect.check(
      `the title is in ${locale}`,
      (await page.locator(`h2:text-is("${title}")`).count()) === 1,
    )
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `sources-${locale}.png`) })
    await page.context().close()
  }
}

async function works(page, rows) {
  await screen.open(page, '/data?view=sources')
  await shows(page, 'works')
  const { body } = await screen.tableOf(page, 'Sources')
  expect.same('one source', body.length, 1)
  expect.same('its table and kind', body[0].slice(0, 2), ['work_order', 'Database'])
  expect.check('its new records', body[0].includes('1,200') && rows === 1_200, body[0].join(' | '))
  const { sources } = await plant.api('/sources')
  expect.same('the interface has its state', sources[0].state, 'ok')
  expect.same(
    'the figure',
    await page.locator('.figure', { hasText: 'Sources' }).locator('.number').innerText(),
    '1 of 1',
  )
}

async function fails(page, database) {
  await database.kill()
  await shows(page, 'failing')
  await shows(page, 'cannot be reached')
  const { sources } = await plant.api('/sources')
  expect.same('the interface has its state', sources[0].state, 'failing')
  expect.check('it has the next read', sources[0].next_read_at !== null)
  const [{ n }] = await plant.sql("SELECT count(*) AS n FROM meta.sources WHERE state = 'failing'")
  expect.same('meta.sources has it', n, 1)
}

async function isMended(page, database) {
  await database.start()
  database.sql("INSERT INTO work_order VALUES (0, 'new')")
  await shows(page, 'works')
  const { sources } = await plant.api('/sources')
  expect.same('the interface has its state', [sources[0].state, sources[0].error], ['ok', null])
  await page.waitForFunction(() => !document.body.innerText.includes('cannot be reached'))
}

export async function sourcesTest(browser, database, rows) {
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  await expect.step('a source that works', () => works(page, rows))
  await expect.step('its looks', () => look(browser, 'working'))
  await expect.step('languages', () => languages(browser))
  await expect.step('a source that fails', () => fails(page, database))
  await expect.step('the looks of a failure', () => look(browser, 'failing'))
  await expect.step('a source that is mended', () => isMended(page, database))
  // The plant has no model of hours, whose table the top bar reads.
  const isMissingTable = (one) => /status of 404.*tables\/gold\/oee_hourly/.test(one)
  // Health is answered as unavailable while a source fails.
  const isHealth = (one) => /status of 503.*\/api\/v1\/health$/.test(one)
  const problems = results.problems.filter((one) => !isMissingTable(one) && !isHealth(one))
  expect.same('no page reports an error or requests another host', problems, [])
}
