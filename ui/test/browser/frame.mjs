// The frame of all pages: navigation, shortcuts, theme, and missing data.

import { BASE, expect, plant, screen } from './harness.mjs'

export async function frameTest(page) {
  await expect.step('frame', async () => {
    await screen.open(page, '/')
    expect.same('/ goes to /make', new URL(page.url()).pathname, '/make')
    await screen.open(page, '/nowhere')
    expect.check(
      'a missing page is reported',
      await page.getByText('There is no page at /nowhere').isVisible(),
    )
    await screen.open(page, '/make?lane=4')
    expect.check(
      'an unknown parameter is reported',
      await page.getByText('unknown parameter: lane').isVisible(),
    )
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
    await page.keyboard.press('t')
    expect.same('t makes it dark', await theme(), 'dark')
    await page.keyboard.press('t')
    expect.same('t makes it light', await theme(), 'light')
    await page.keyboard.press('?')
    expect.check('? shows the shortcuts', await page.getByRole('dialog').isVisible())
    await page.keyboard.press('Escape')
    expect.check('Escape hides them', !(await page.getByRole('dialog').isVisible()))
    await page.keyboard.press('j')
    expect.check(
      'j goes to a row',
      await page.evaluate(() => document.activeElement?.hasAttribute('data-row')),
    )
    const health = await plant.api('/health')
    expect.check(
      'the plant is named',
      await page.locator('header strong').getByText(health.plant).isVisible(),
    )
    expect.check(
      'the connection is shown',
      await page.locator('header').getByText('connected').isVisible(),
    )
  })
  await expect.step('a lost connection is reported', async () => {
    await page.route('**/api/v1/**', (route) => route.abort())
    await page.goto(`${BASE}/stock`)
    await page.getByText('The server does not respond').waitFor({ timeout: 15_000 })
    expect.check('the page reports that the server does not respond', true)
    await page.unroute('**/api/v1/**')
    await page.locator('.figure').first().waitFor({ timeout: 25_000 })
    expect.check('the page recovers', true)
  })
  await expect.step('a page whose code cannot be loaded is reported', async () => {
    const code = /\/assets\/Stock-[^/]*\.js/
    await page.route(code, (route) => route.abort(), { times: 1 })
    await page.goto(`${BASE}/stock`)
    await page.locator('.figure').first().waitFor()
    expect.check('one failed request is repeated', true)
    await page.route(code, (route) => route.abort())
    await page.goto(`${BASE}/stock`)
    await page.getByText('The page could not be loaded.').waitFor({ timeout: 15_000 })
    await page.unroute(code)
    await page.getByRole('button', { name: 'Reload' }).click()
    await page.locator('.figure').first().waitFor()
    expect.check('the page is loaded again', true)
  })
  await expect.step('missing data is reported', async () => {
    const missing = { error: { code: 'unknown_table', message: 'there is no table' } }
    await page.route(/api\/v1\/(tables|query)/, (route) =>
      route.fulfill({ status: 404, json: missing }),
    )
    for (const path of ['/make', '/stock', '/data']) {
      await page.goto(BASE + path)
      await page.getByText('cockpit ingest').first().waitFor({ timeout: 5_000 })
      expect.check(`${path} reports that there is no data`, true)
    }
    await page.unroute(/api\/v1\/(tables|query)/)
  })
}
