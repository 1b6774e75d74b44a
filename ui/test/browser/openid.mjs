// Logins at providers of OpenID Connect, as a person sees them.

import { expect } from './harness.mjs'
import { DESK } from './looks.mjs'
import { codesOf } from './totp.mjs'
import { userClient } from './users.mjs'

const BASE = process.env.COCKPIT_URL
/** The login page shows within this that a provider is away. */
const AWAY_MS = 60_000

async function newBrowser(browser) {
  const context = await browser.newContext({ locale: 'en-IN', viewport: DESK })
  return context.newPage()
}

const button = (page, title) => page.getByRole('button', { name: `Log in with ${title}` })

/** From the login page to the form of the provider. */
async function chooseProvider(page, title, path = '/make') {
  await page.goto(`${BASE}${path}`)
  await page.waitForURL('**/login*')
  await button(page, title).click()
  await page.waitForURL('**/interaction/**')
}

/** Logs in at the provider and grants what it is asked for. */
async function logInAtProvider(page, name) {
  await page.locator('input[name="login"]').fill(name)
  await page.locator('input[name="password"]').fill('any password')
  await page.getByRole('button', { name: /sign-in/i }).click()
  await consent(page)
}

/** The first login of a person at a provider asks for consent. */
async function consent(page) {
  const grant = page.getByRole('button', { name: 'Continue' })
  await grant.or(page.locator('header .toggle')).or(page.getByRole('alert')).first().waitFor()
  if (await grant.isVisible()) await grant.click()
}

const message = (page) => page.locator('p.text [class="alert"]').innerText()

const session = async (page) => (await userClient(page)).json('/session')

/** The first login: page, user, roles and cookies. */
async function firstLogin(page) {
  await chooseProvider(page, 'Company login', '/stock')
  await logInAtProvider(page, 'anna')
  await page.waitForURL(`${BASE}/stock`)
  expect.check('the login leads back to the page', true)
  const shown = await page.locator('header .toggle').innerText()
  expect.check(
    'the page shows the name of the provider',
    shown.includes('Anna of the company'),
    shown,
  )
  const info = await session(page)
  const roles = info.roles.map(({ role, scope, source }) => [role, scope, source])
  expect.same('the group gives its role', roles, [['operator', 'area:SMT', 'external']])
  expect.same('the user has the name of the claim', info.name, 'anna')
  // The provider is on the same host, so its cookies are there too.
  const cookies = (await page.context().cookies(BASE)).filter(({ name }) =>
    name.startsWith('cockpit'),
  )
  const kept = cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]).sort()
  const expected = [
    ['cockpit-openid', true, 'Lax'],
    ['cockpit-session', true, 'Lax'],
  ]
  expect.same('scripts cannot read the cookies', kept, expected)
}

/** A callback that was used already logs nobody in, in the same browser and in another one. */
async function replay(page, other) {
  let answer = null
  page.on('request', (request) => {
    if (request.url().includes('/openid/company/callback')) answer = request.url()
  })
  await chooseProvider(page, 'Company login')
  await logInAtProvider(page, 'anna')
  await page.waitForURL(`${BASE}/make`)
  expect.check('the answer names its issuer', new URL(answer).searchParams.has('iss'), answer)
  for (const [who, tab] of [
    ['the same browser', page],
    ['another browser', other],
  ]) {
    await tab.goto(answer)
    await tab.waitForURL('**/login*')
    const text = await message(tab)
    expect.check(`a replayed answer is refused in ${who}`, text.includes('used already'), text)
  }
  await other.goto(`${BASE}/make`)
  await other.waitForURL('**/login*')
  expect.check('nobody is logged in', true)
}

async function logOut(page) {
  await page.goto(`${BASE}/stock`)
  await page.locator('header .toggle').click()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL('**/session/end*')
  await page.getByRole('button', { name: /yes, sign me out/i }).click()
  await page.waitForURL(`${BASE}/login*`)
  expect.check('a logout ends the session of the provider and leads back', true)
  await button(page, 'Company login').click()
  await page.locator('input[name="login"]').waitFor()
  expect.check('the provider asks for the password again', true)
}

/** Changed groups: other roles, none, and a disabled user. */
async function laterLogins(browser, { providers, command }) {
  await providers.company.setGroups({ anna: ['lead', 'canteen'] })
  const page = await newBrowser(browser)
  await chooseProvider(page, 'Company login')
  await logInAtProvider(page, 'anna')
  await page.waitForURL(`${BASE}/make`)
  const roles = (await session(page)).roles.map(({ role, scope }) => [role, scope])
  expect.same('the groups of now replace the role', roles, [['supervisor', 'plant']])
  await providers.company.setGroups({ anna: ['canteen'] })
  await refusedAs(browser, 'Company login', 'anna', 'give no role')
  expect.same(
    'the earlier session has no rights',
    await userClient(page).status('GET', '/tables'),
    403,
  )
  await providers.company.setGroups({ anna: ['smt'] })
  command('user', 'disable', 'anna')
  await refusedAs(browser, 'Company login', 'anna', 'user is disabled')
  expect.same(
    'the session of the disabled user ended',
    await userClient(page).status('GET', '/session'),
    401,
  )
}

/** A login at the provider succeeds, and the login page explains why it opens no session. */
async function refusedAs(browser, title, name, expected) {
  const page = await newBrowser(browser)
  await chooseProvider(page, title)
  await logInAtProvider(page, name)
  await page.waitForURL(`${BASE}/login*`)
  const text = await message(page)
  expect.check(`${name} is refused: ${expected}`, text.includes(expected), text)
  await page.goto(`${BASE}/make`)
  await page.waitForURL('**/login*')
}

/** The same name at another provider is another person. */
async function otherProvider(browser, { providers }) {
  await refusedAs(browser, 'Partner login', 'anna', 'give no role')
  await providers.partner.setGroups({ anna: ['smt'] })
  const page = await newBrowser(browser)
  await chooseProvider(page, 'Partner login')
  await logInAtProvider(page, 'anna')
  await page.waitForURL(`${BASE}/make`)
  expect.same('the name is taken', (await session(page)).name, 'anna-2')
}

async function cancelled(page) {
  await chooseProvider(page, 'Company login')
  await page.getByRole('link', { name: /cancel/i }).click()
  await page.waitForURL(`${BASE}/login*`)
  expect.same('a cancelled login is explained', await message(page), 'The login was cancelled.')
}

/** A provider that is away: the page shows it, and its button leads back with the reason. */
async function away(page) {
  const title = 'Login of a closed office'
  const note = page.getByText(`${title} cannot be reached at the moment. Users with a password`)
  await page.goto(`${BASE}/login`)
  await note.waitFor({ timeout: AWAY_MS })
  expect.check('the login page shows that a provider is away', true)
  await button(page, title).click()
  await page.waitForURL('**/login?*error=openid_unavailable*')
  const text = await message(page)
  expect.check('the failure is explained', text.includes('cannot be reached'), text)
}

/** The local administrator logs in beside the providers, and has to set up a second factor first. */
async function localLogin(page, { password, secret, log }) {
  await page.goto(`${BASE}/login?next=/stock`)
  await page.getByLabel('User name').fill('root')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByText('One of your roles requires a second factor').waitFor()
  expect.same('nothing else is offered', await page.locator('.settings nav a').count(), 0)
  expect.same('the interface refuses the rest', await userClient(page).status('GET', '/users'), 403)
  const panel = page.locator('section', { has: page.locator('h2:text-is("Second factor")') })
  await panel.getByLabel('Current password').fill(password)
  await panel.getByRole('button', { name: 'Set up' }).click()
  const next = codesOf(await panel.locator('code').innerText())
  await panel.getByLabel('Authentication code').fill(next())
  await panel.getByRole('button', { name: 'Activate' }).click()
  await page.getByRole('group', { name: 'Recovery codes' }).waitFor()
  const client = userClient(page)
  expect.same('the second factor opens the rest', await client.status('GET', '/users'), 200)
  const { entries } = await client.json('/audit?limit=500')
  const details = entries.map(({ kind, detail }) => `${kind} ${JSON.stringify(detail)}`)
  for (const expected of [
    'cancelled at the provider',
    'no role',
    'account is disabled',
    'logged_in',
  ]) {
    expect.check(
      `the audit log contains ${expected}`,
      details.some((it) => it.includes(expected)),
    )
  }
  const leaks = [...details, log()].filter((it) => it.includes(secret) || /eyJ[\w-]{20}/.test(it))
  expect.same('neither secret nor tokens are recorded', leaks, [])
}

export async function openidTest(browser, site) {
  await site.providers.company.setGroups({ anna: ['smt', 'canteen'] })
  const page = await newBrowser(browser)
  await expect.step('first login', () => firstLogin(page))
  await expect.step('logout', () => logOut(page))
  await expect.step('replay', async () =>
    replay(await newBrowser(browser), await newBrowser(browser)),
  )
  await expect.step('cancelled', async () => cancelled(await newBrowser(browser)))
  await expect.step('later logins', () => laterLogins(browser, site))
  await expect.step('other provider', () => otherProvider(browser, site))
  await expect.step('away', async () => away(await newBrowser(browser)))
  await expect.step('local login', async () => localLogin(await newBrowser(browser), site))
}
