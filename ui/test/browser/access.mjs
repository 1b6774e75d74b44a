// Login, roles, settings and the protection of the session, against a program without any user.
//
// COCKPIT_SETUP_LINK is the one-time link that the program printed at its start.

import { expect, results, screen } from './harness.mjs'
import { injectionTest } from './injection.mjs'
import { DESK, inspect, PHONE } from './looks.mjs'
import { codesOf } from './totp.mjs'
import { userClient } from './users.mjs'

const BASE = process.env.COCKPIT_URL
const PASSWORD = 'quartz lantern orbit seventeen'
const ADMIN = { name: 'asha', fullName: 'Asha Menon', password: PASSWORD }
/** A revoked session ends within this. */
const CUT_MS = 10_000
const OWN_SECTIONS = ['Account', 'Sessions', 'API tokens']

const pathOf = (page) => {
  const { pathname, search } = new URL(page.url())
  return pathname + search
}

async function logIn(page, { name, password, code }) {
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password').fill(password)
  if (code) {
    const factor = page.getByRole('button', { name: 'I use a second factor' })
    if (await factor.isVisible()) await factor.click()
    await page.getByLabel('Authentication code').fill(code)
  }
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

const leavesLogin = (page) => page.waitForURL((url) => url.pathname !== '/login')

async function logOut(page) {
  await page.locator('header .toggle').click()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL('**/login')
}

/** The form of the first administrator, which exists before the first user only. */
async function setupLooks(page) {
  await page.getByLabel('User name').waitFor()
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme })
    for (const [device, viewport] of Object.entries({ phone: PHONE, desk: DESK })) {
      await page.setViewportSize(viewport)
      await inspect(page, `setup-form-${device}-${colorScheme}`, viewport)
    }
  }
}

/** From the printed link to the first page. */
async function firstStart(page, link) {
  await page.goto(`${BASE}/make`)
  await page.waitForURL('**/login*')
  expect.check(
    'the login explains the first start',
    await page
      .getByText('No user exists yet')
      .waitFor()
      .then(() => true),
  )
  await page.goto(`${BASE}/setup`)
  expect.check(
    'the setup page asks for the whole link',
    await page
      .getByText('including the part after #')
      .waitFor()
      .then(() => true),
  )
  await page.goto('about:blank')
  await page.goto(link)
  await setupLooks(page)
  await page.getByLabel('User name').fill(ADMIN.name)
  await page.getByLabel('Full name').fill(ADMIN.fullName)
  expect.same('the secret is not left in the address', new URL(page.url()).hash, '')
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('Repeat the new password').fill('something else')
  expect.check(
    'different passwords are reported',
    await page.getByText('The two passwords differ.').isVisible(),
  )
  const submit = page.getByRole('button', { name: 'Create and log in' })
  expect.check('they cannot be sent', await submit.isDisabled())
  await page.getByLabel('Repeat the new password').fill(PASSWORD)
  await submit.click()
  await page.waitForURL('**/make')
  await screen.settled(page)
  expect.check(
    'the first administrator is logged in',
    await page.locator('header .toggle').getByText(ADMIN.fullName).isVisible(),
  )
  await page.goto('about:blank')
  await page.goto(link)
  expect.check(
    'the link works once',
    await page
      .getByText('A user exists already')
      .waitFor()
      .then(() => true),
  )
}

/** Sets up the second factor; returns a source of codes, and the recovery codes. */
async function enableSecondFactor(page) {
  await screen.open(page, '/settings')
  const panel = page.locator('section', { has: page.locator('h2:text-is("Second factor")') })
  await panel.getByLabel('Current password').fill('not the password')
  await panel.getByRole('button', { name: 'Set up' }).click()
  await panel.getByText('The current password is not correct').waitFor()
  await panel.getByLabel('Current password').fill(PASSWORD)
  await panel.getByRole('button', { name: 'Set up' }).click()
  await panel.locator('svg[role="img"]').waitFor()
  const next = codesOf(await panel.locator('code').innerText())
  await panel.getByLabel('Authentication code').fill('000000')
  await panel.getByRole('button', { name: 'Activate' }).click()
  await panel.getByText('The code is not correct').waitFor()
  await panel.getByLabel('Authentication code').fill(next())
  await panel.getByRole('button', { name: 'Activate' }).click()
  const box = page.getByRole('group', { name: 'Recovery codes' })
  await box.waitFor()
  const recovery = (await box.locator('pre').innerText()).trim().split('\n')
  expect.check('there are recovery codes', recovery.length >= 8, String(recovery.length))
  await box.getByRole('button', { name: 'Done' }).click()
  await panel.getByText('recovery codes are left').waitFor()
  return { next, recovery }
}

async function loginWithSecondFactor(page, { next, recovery }) {
  await logOut(page)
  await logIn(page, ADMIN)
  await page.getByText('Login failed').waitFor()
  expect.check('the password alone is refused', true)
  await logIn(page, { ...ADMIN, code: next() })
  await leavesLogin(page)
  await screen.settled(page)
  expect.same('the login leads to the start page', pathOf(page), '/make')
  await logOut(page)
  await logIn(page, { ...ADMIN, code: recovery[0] })
  await leavesLogin(page)
  expect.check('a recovery code replaces the code', true)
}

/** Creates a user in the settings and chooses their password. */
async function addUser(admin, browser, { name, role, scope = 'whole plant' }) {
  await screen.open(admin, '/settings?section=users')
  await admin.getByLabel('User name').fill(name)
  if (role !== 'Viewer' || scope !== 'whole plant') {
    await admin.getByRole('button', { name: /^Remove the role/ }).click()
    await admin.getByLabel('Role', { exact: true }).selectOption({ label: role })
    await admin.getByLabel('Scope').selectOption({ label: scope })
    await admin.getByRole('button', { name: 'Add a role' }).click()
  }
  await admin.getByRole('button', { name: 'Add a user' }).click()
  const box = admin.getByRole('group', { name: `Temporary password of ${name}` })
  await box.waitFor()
  const temporary = (await box.locator('pre').innerText()).trim()
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  await page.goto(`${BASE}/login?next=/stock`)
  await logIn(page, { name, password: temporary })
  await page.getByText('Choose your own password').waitFor()
  expect.same(`${name} has to choose a password`, new URL(page.url()).pathname, '/settings')
  await page.goto(`${BASE}/make`)
  await page.getByText('Choose your own password').waitFor()
  expect.check(`${name} cannot open a page before`, true)
  const panel = page.locator('section', { has: page.locator('h2:text-is("Password")') })
  await panel.getByLabel('Current password').fill(temporary)
  await panel.getByLabel('New password', { exact: true }).fill(`${PASSWORD} ${name}`)
  await panel.getByLabel('Repeat the new password').fill(`${PASSWORD} ${name}`)
  await panel.getByRole('button', { name: 'Change the password' }).click()
  await page.getByRole('link', { name: 'API tokens' }).waitFor()
  return page
}

const sections = (page) => page.locator('.settings nav a').allInnerTexts()

async function offeredPermissions(page) {
  await screen.open(page, '/settings?section=tokens')
  await page.locator('fieldset label').first().waitFor()
  return (await page.locator('fieldset label').allInnerTexts()).map((text) => text.trim())
}

/** A page offers only what the role permits, and the API refuses the rest. */
async function viewerIsRestricted(viewer) {
  await screen.open(viewer, '/make')
  expect.check(
    'a viewer sees the production page',
    await viewer.locator('.figure').first().isVisible(),
  )
  await screen.open(viewer, '/stock')
  expect.check('a viewer sees the stock page', await viewer.locator('.figure').first().isVisible())
  await screen.open(viewer, '/data')
  const views = await viewer.locator('.figures .label').allInnerTexts()
  expect.same('a viewer is not offered files and rejects', views, ['Expectations', 'Tables'])
  const tables = await viewer.locator('.split nav h2').allInnerTexts()
  expect.check('nor tables of received records', !tables.join().includes('bronze'), tables.join())
  await screen.open(viewer, '/settings?section=users')
  expect.same('a viewer is offered the own account only', await sections(viewer), OWN_SECTIONS)
  const client = userClient(viewer)
  expect.same('the API refuses the users', await client.status('GET', '/users'), 403)
  expect.same('the API refuses the audit log', await client.status('GET', '/audit'), 403)
  const sql = { sql: 'SELECT 1' }
  expect.same('the API refuses SQL', await client.status('POST', '/query', sql), 403)
  expect.same(
    'the API refuses received records',
    await client.status('GET', '/tables/silver/rejected'),
    403,
  )
}

async function operatorMayMore(viewer, operator) {
  const ofViewer = await offeredPermissions(viewer)
  const ofOperator = await offeredPermissions(operator)
  for (const permission of ['write notes', 'acknowledge alarms']) {
    expect.check(`an operator may ${permission}`, ofOperator.includes(permission))
    expect.check(`a viewer is not offered to ${permission}`, !ofViewer.includes(permission))
  }
  const token = { name: 'x', actions: ['acknowledge_alarm'], scope: 'plant', life_s: 3600 }
  const viewerStatus = await userClient(viewer).status('POST', '/account/tokens', token)
  expect.check('nor given it by the API', viewerStatus >= 400, String(viewerStatus))
  const status = await userClient(operator).status('POST', '/account/tokens', token)
  expect.same('the API gives it to an operator', status, 201)
}

/** A role for a line shows the data of the line, and no pages without equipment. */
async function lineViewer(admin, browser) {
  const { scopes } = await userClient(admin).json('/roles')
  const line = scopes.find((scope) => scope.startsWith('line:'))
  const [area, ...rest] = line.slice('line:'.length).split('/')
  const scope = `line ${rest.join('/')}, area ${area}`
  const page = await addUser(admin, browser, { name: 'lina', role: 'Viewer', scope })
  await screen.open(page, '/make')
  const pages = await page.locator('.rail a').allInnerTexts()
  expect.check('a line has no stock page', !pages.join().includes('Stock'), pages.join())
  expect.check('a line has figures', await page.locator('.figure').first().isVisible())
  expect.check('a line has OEE', await page.locator('[id^="figure-oee"]').first().isVisible())
  await screen.open(page, '/stock')
  expect.check('stock is not permitted', await page.getByText('Not permitted').first().isVisible())
  const client = userClient(page)
  expect.same('nor by the API', await client.status('GET', '/tables/gold/inventory_by_bin'), 403)
}

/** A token is shown once, works, and stops working when it is revoked. */
async function tokens(page) {
  await screen.open(page, '/settings?section=tokens')
  await page.getByLabel('Name').fill('Power BI')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const box = page.getByRole('group', { name: 'Token Power BI' })
  await box.waitFor()
  const secret = (await box.locator('pre').innerText()).trim()
  const read = async (authorization) => {
    const headers = { authorization }
    const url = `${BASE}/api/v1/tables/gold/production_daily?limit=1`
    return (await fetch(url, { headers })).status
  }
  const basic = `Basic ${Buffer.from(`any:${secret}`).toString('base64')}`
  expect.same('the token reads a table', await read(`Bearer ${secret}`), 200)
  expect.same('the token works as a password', await read(basic), 200)
  await page.reload()
  await screen.settled(page)
  expect.check('the token is shown once', !(await page.content()).includes(secret))
  const row = page.locator('tr', { hasText: 'Power BI' })
  await row.getByRole('button', { name: /^Revoke/ }).click()
  await row.getByRole('button', { name: /^Confirm/ }).click()
  await row.getByText('revoked').waitFor()
  expect.same('a revoked token is refused', await read(`Bearer ${secret}`), 401)
}

/** An administrator ends a session: its page goes to the login by itself, and back afterwards. */
async function endedSession(admin, viewer) {
  await viewer.goto(`${BASE}/now`)
  await viewer.locator('main h1').waitFor()
  await screen.open(admin, '/settings?section=users&user=vimala')
  await admin.getByRole('button', { name: /^End all sessions and tokens/ }).click()
  await admin.getByRole('button', { name: /^Confirm/ }).click()
  await viewer.waitForURL('**/login?*', { timeout: CUT_MS })
  await viewer.getByText('Your session has ended').waitFor()
  expect.same('the login leads back', new URL(viewer.url()).searchParams.get('next'), '/now')
  await viewer.goto(`${BASE}/stock?as_of=2022-06-30`)
  await viewer.waitForURL('**/login?*')
  await logIn(viewer, { name: 'vimala', password: `${PASSWORD} vimala` })
  await leavesLogin(viewer)
  expect.same('the address is kept', pathOf(viewer), '/stock?as_of=2022-06-30')
}

async function noOpenRedirect(page) {
  for (const next of [
    '//example.com/',
    '/\\example.com',
    'https://example.com',
    'javascript:x()',
  ]) {
    await page.goto(`${BASE}/login?next=${encodeURIComponent(next)}`)
    await logIn(page, { name: 'vimala', password: `${PASSWORD} vimala` })
    await leavesLogin(page)
    expect.same(`next=${next} stays on this host`, new URL(page.url()).origin, new URL(BASE).origin)
  }
}

async function auditLog(page) {
  await screen.open(page, '/settings?section=audit')
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText('the chain is intact').waitFor()
  expect.check('the audit log is intact', true)
  await page.getByLabel('Event').selectOption('user_added')
  await page.waitForFunction(() =>
    [...document.querySelectorAll('tbody tr')].every((row) => row.innerText.includes('user added')),
  )
  const added = await page.locator('tbody tr').count()
  expect.check('added users are logged', added >= 2, String(added))
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Export' }).click(),
  ])
  expect.check('the log is exported', download.suggestedFilename().endsWith('.ndjson'))
}

/** Another site can neither frame the pages nor act with the session. */
async function otherSites(page) {
  const before = (await userClient(page).json('/account/tokens')).tokens.length
  await page.goto('about:blank')
  const frame = page.waitForEvent('requestfailed', { timeout: 5_000 }).catch(() => null)
  await page.setContent(`<iframe src="${BASE}/make"></iframe>`)
  await frame
  const texts = await Promise.all(
    page
      .frames()
      .slice(1)
      .map((one) => one.evaluate(() => document.body.innerText).catch(() => '')),
  )
  expect.check('the pages cannot be framed', !texts.join().includes('Production'), texts.join())
  await page.evaluate(
    ({ url, body }) =>
      fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body }).catch(() => {}),
    {
      url: `${BASE}/api/v1/account/tokens`,
      body: JSON.stringify({
        name: 'evil',
        actions: ['read_tables'],
        scope: 'plant',
        life_s: 3600,
      }),
    },
  )
  await screen.open(page, '/make')
  const after = (await userClient(page).json('/account/tokens')).tokens.length
  expect.same('another site cannot create a token', after, before)
}

async function logoutEndsTheSession(page) {
  await screen.open(page, '/make')
  const state = await page.context().storageState()
  await logOut(page)
  expect.same('the session is over', await userClient(page).status('GET', '/session'), 401)
  await page.goBack()
  await page.waitForURL('**/login*')
  expect.check('Back does not show the page again', true)
  await page.context().addCookies(state.cookies)
  expect.same('the old cookie is refused', await userClient(page).status('GET', '/session'), 401)
}

const ADMIN_PAGES = {
  account: '/settings',
  sessions: '/settings?section=sessions',
  tokens: '/settings?section=tokens',
  users: '/settings?section=users',
  user: '/settings?section=users&user=vimala',
  roles: '/settings?section=roles',
  'all-sessions': '/settings?section=all-sessions',
  audit: '/settings?section=audit',
}

async function accessLooks(browser, admin) {
  const storageState = await admin.context().storageState()
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
      const page = await screen.newPage(browser, { colorScheme, viewport, storageState })
      for (const [name, path] of Object.entries({
        login: '/login',
        setup: '/setup',
        ...ADMIN_PAGES,
      })) {
        const full = `${name}-${device}-${colorScheme}`
        await expect.step(full, async () => {
          await screen.open(page, path)
          await inspect(page, full, viewport)
        })
      }
      await page.context().close()
    }
  }
}

/** The browser logs refused requests, and those of other sites; other messages are failures. */
const isUnexpected = (problem) => !/status of (401|403|404|409|422|429)|^about:blank/.test(problem)

export async function accessTest(browser) {
  const link = process.env.COCKPIT_SETUP_LINK
  if (!link) throw new Error('COCKPIT_SETUP_LINK is not set: expected the one-time link')
  const admin = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  await firstStart(admin, link)
  await admin.goto(`${BASE}/make`)
  await screen.settled(admin)
  await expect.step('second factor', async () => {
    await loginWithSecondFactor(admin, await enableSecondFactor(admin))
  })
  const viewer = await addUser(admin, browser, { name: 'vimala', role: 'Viewer' })
  const operator = await addUser(admin, browser, { name: 'omar', role: 'Operator' })
  await expect.step('viewer', () => viewerIsRestricted(viewer))
  await expect.step('operator', () => operatorMayMore(viewer, operator))
  await expect.step('a line', () => lineViewer(admin, browser))
  await expect.step('tokens', () => tokens(operator))
  await expect.step('audit log', () => auditLog(admin))
  await expect.step('looks', () => accessLooks(browser, admin))
  await expect.step('ended session', () => endedSession(admin, viewer))
  await expect.step('open redirect', () => noOpenRedirect(viewer))
  await expect.step('other sites', () => otherSites(operator))
  await expect.step('injection', () => injectionTest(admin))
  await expect.step('log out', () => logoutEndsTheSession(operator))
  expect.same('no page reports an error', results.problems.filter(isUnexpected), [])
}
