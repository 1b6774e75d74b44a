// What every page has: rail, keys, theme, and what it says when something is missing.

import { api, BASE, check, open, same, step } from './kit.mjs'

export async function frameTest(page) {
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
