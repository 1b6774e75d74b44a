// Opens the pages of a cockpit on another machine by name and TLS, and logs in.
//
//   COCKPIT_URL=https://cockpit.plant.test:8443 COCKPIT_ADDRESS=192.0.2.1 COCKPIT_PIN=... \
//   COCKPIT_USER=olga COCKPIT_PASSWORD_FILE=password node test/remote.mjs
//
// COCKPIT_PIN is the SHA-256 of the public key of the certificate in base64, COCKPIT_ADDRESS what the
// name resolves to. tests/network.sh starts the service and calls this in another network namespace.
// COCKPIT_SHOTS is a folder for screenshots, CHROMIUM the path of the browser.

import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { BASE, expect, results, screen } from './browser/harness.mjs'
import { DESK, inspect } from './browser/looks.mjs'

const { COCKPIT_ADDRESS, COCKPIT_PIN, COCKPIT_USER, COCKPIT_PASSWORD_FILE } = process.env

async function withBrowser(flags, run) {
  const { hostname } = new URL(BASE)
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      `--host-resolver-rules=MAP ${hostname} ${COCKPIT_ADDRESS}`,
      ...flags,
    ],
  })
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  const failed = []
  page.on('requestfailed', (request) =>
    failed.push(`${request.url()}: ${request.failure().errorText}`),
  )
  try {
    await run(page)
  } catch (error) {
    console.error([...results.problems, ...failed].join('\n'))
    console.error(await page.content())
    throw error
  } finally {
    await browser.close()
  }
}

async function isRefused(page) {
  const reason = await page.goto(`${BASE}/login`).then(
    () => 'opened',
    (error) => error.message,
  )
  expect.check(
    'a browser refuses a certificate that it does not trust',
    reason.includes('ERR_CERT_AUTHORITY_INVALID'),
    reason,
  )
}

async function logsIn(page) {
  await page.goto(`${BASE}/make`)
  await page.waitForURL('**/login*')
  await screen.settled(page)
  expect.check('the context of the pages is secure', await page.evaluate(() => isSecureContext))
  await inspect(page, 'remote-login', DESK)
  await page.getByLabel('User name').fill(COCKPIT_USER)
  await page.getByLabel('Password').fill(readFileSync(COCKPIT_PASSWORD_FILE, 'utf8').trim())
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.waitForURL('**/make')
  await screen.settled(page)
  expect.check('a page shows figures', await page.locator('.figure').first().isVisible())
  const cookies = await page.context().cookies()
  const session = cookies.map(({ name, secure, httpOnly }) => ({ name, secure, httpOnly }))
  expect.same('the session cookie is bound to TLS', session, [
    { name: '__Host-cockpit', secure: true, httpOnly: true },
  ])
}

await withBrowser([], isRefused)
results.problems.length = 0
await withBrowser([`--ignore-certificate-errors-spki-list=${COCKPIT_PIN}`], logsIn)
expect.same('no page reports an error or requests another host', results.problems, [])
console.log(`${results.passed} passed, ${results.failures.length} failed`)
process.exit(results.failures.length > 0 ? 1 : 0)
