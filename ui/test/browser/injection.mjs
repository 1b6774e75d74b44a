// Hostile texts through each way by which texts reach a page: no script may run, and texts stay texts.

import { expect, screen } from './harness.mjs'
import { userClient } from './users.mjs'

const BASE = process.env.COCKPIT_URL

const CORPUS = [
  '<script>injected=1</script>',
  '<img src=x onerror="injected=1">',
  '<svg/onload=injected=1>',
  '"><svg onload=injected=1>',
  "'-injected=1-'",
  '</title><script>injected=1</script>',
  '</textarea><img src=x onerror=injected=1>',
  '<iframe srcdoc="<script>parent.injected=1</script>">',
  '<a href="javascript:injected=1">x</a>',
  '{{injected=1}} {injected=1}',
  '<math><mtext></form><form><mglyph><style></math><img src onerror=injected=1>',
  '\u202E<b onmouseover=injected=1>x</b>',
]

const PAGES = [
  '/now',
  '/temps',
  '/make',
  '/make?by=station',
  '/make?by=item',
  '/stock',
  '/data',
  '/data?view=files',
  '/data?view=rejected',
  '/data?view=quality',
  '/data?view=tables',
  '/settings?section=sessions',
  '/settings?section=tokens',
  '/settings?section=users',
  '/settings?section=audit',
]

/** Responses with data; the session decides what a page offers. */
const RESPONSES = /\/api\/v1\/(?!session|live|health)/

/** Texts that the pages compute with; others are replaced. */
const KEPT = /^\d{4}-\d\d-\d\d|^(plant|area|line)(:|$)|^[a-z_]+$|^[\da-f-]{32,}$/

let replaced = 0

/** Replaces each text by a hostile one; numbered, because pages identify rows by their texts. */
function poison(value, text) {
  if (Array.isArray(value)) return value.map((item) => poison(item, text))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, poison(item, text)]))
  }
  if (typeof value !== 'string' || KEPT.test(value)) return value
  replaced += 1
  return `${text} ${replaced}`
}

const wasInjected = (page) =>
  page.evaluate(
    () =>
      globalThis.injected !== undefined ||
      document.querySelector('main script, main iframe, main img, main math, header img') !== null,
  )

/** Each string of each response is hostile. */
async function throughResponses(page) {
  const dialogs = []
  page.on('dialog', (dialog) => dialogs.push(dialog.dismiss()))
  let text = ''
  await page.route(RESPONSES, async (route) => {
    try {
      const response = await route.fetch()
      const type = response.headers()['content-type'] ?? ''
      const isJson = type.includes('json') && response.ok()
      await route.fulfill({
        response,
        ...(isJson && { json: poison(await response.json(), text) }),
      })
    } catch {
      // The page was left before the response arrived.
    }
  })
  const failed = []
  for (const [nth, hostile] of CORPUS.entries()) {
    text = hostile
    for (const path of PAGES.filter((_, at) => at % 4 === nth % 4)) {
      await page.goto(BASE + path)
      await page.waitForLoadState('load')
      await page.locator('main h1').waitFor()
      await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
      if (await wasInjected(page)) failed.push(`${path} with ${hostile}`)
    }
  }
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  expect.same('texts of responses do not run', failed, [])
  expect.same('no dialog opens', dialogs.length, 0)
  expect.check('responses were changed', replaced > 1000, String(replaced))
}

/** Path and parameters of the address are hostile. */
async function throughAddresses(page) {
  const failed = []
  for (const hostile of CORPUS) {
    const text = encodeURIComponent(hostile)
    // A path with a dot is that of a file, which the server does not have.
    const segment = encodeURIComponent(hostile.replaceAll('.', ''))
    for (const path of [
      `/nowhere${segment}`,
      `/temps/${segment}`,
      `/make?day=${text}&station=${text}&item=${text}&figure=${text}`,
      `/stock?as_of=${text}&q=${text}`,
      `/data?view=tables&table=${text}`,
      `/settings?section=audit&kind=${text}&actor=${text}`,
      `/login?next=${text}&reason=${text}`,
    ]) {
      await page.goto(BASE + path)
      await page.waitForLoadState('load')
      await page.locator('main h1').first().waitFor()
      if (await wasInjected(page)) failed.push(path)
    }
  }
  expect.same('texts of addresses do not run', failed, [])
}

/** Stored texts: names of users, tokens and failed logins. */
async function throughStoredNames(page) {
  const client = userClient(page)
  for (const [nth, hostile] of CORPUS.entries()) {
    const user = {
      name: `user${nth}`,
      full_name: hostile,
      roles: [{ role: 'viewer', scope: 'plant' }],
    }
    await client.status('POST', '/users', user)
    const token = { name: hostile, actions: ['read_tables'], scope: 'plant', life_s: 3600 }
    await client.status('POST', '/account/tokens', token)
  }
  for (const section of ['users', 'tokens', 'all-sessions', 'audit']) {
    await screen.open(page, `/settings?section=${section}`)
    expect.check(`stored names do not run in ${section}`, !(await wasInjected(page)))
  }
  await screen.open(page, '/settings?section=users')
  expect.check(
    'a hostile name is shown as text',
    await page.getByText(CORPUS[0]).first().isVisible(),
  )
}

export async function injectionTest(page) {
  await expect.step('injection by stored names', () => throughStoredNames(page))
  await expect.step('injection by addresses', () => throughAddresses(page))
  await expect.step('injection by responses', () => throughResponses(page))
}
