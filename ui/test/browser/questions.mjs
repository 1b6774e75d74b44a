// Typical questions of a supervisor, from the page of the current state: the answer is compared with
// the API, and every click and every key is counted. Typing one search text counts once.

import { BASE, expect, plant, screen } from './harness.mjs'

const SHOWN_MS = 15_000
const LOSSES = {
  minor_stop: 'minor stops',
  no_order: 'no order',
  unknown_time: 'unknown time',
  reduced_speed: 'reduced speed',
  verdict_unknown: 'boards without verdict',
}

/** Counts what the person does; each method is one action. */
class Person {
  actions = 0
  constructor(page) {
    this.page = page
  }

  async start() {
    this.actions = 0
    await this.page.goto(`${BASE}/now`)
    await this.page.locator('h2:text-is("Stations")').waitFor({ timeout: SHOWN_MS })
    await this.page.waitForFunction(() => !document.querySelector('main [aria-busy="true"]'))
  }

  async click(locator) {
    this.actions += 1
    await locator.first().click()
  }

  async press(key) {
    this.actions += 1
    await this.page.keyboard.press(key)
  }

  async type(text) {
    this.actions += 1
    await this.page.keyboard.insertText(text)
  }
}

const newestDay = async () =>
  (
    await plant.sql(
      `SELECT day_local AS day FROM gold.production_daily GROUP BY day_local
       HAVING sum(actual) > 0 AND sum(planned) > 0 ORDER BY day_local DESC LIMIT 1`,
    )
  )[0].day

/** Is anything wrong now, and who has it? */
async function attention(person) {
  await person.start()
  const panel = person.page.locator('section', {
    has: person.page.locator('h2:text-is("Needs attention")'),
  })
  await panel.locator('li').first().waitFor({ timeout: SHOWN_MS })
  return (await panel.locator('li').count()) > 0
}

/** Are we going to make the plan? */
async function landing(person, day) {
  await person.start()
  const { rows } = await plant.table('gold.production_daily', `&filter.day_local=${day}`)
  const share = plant.sum(rows, 'actual') / plant.sum(rows, 'planned')
  const text = await person.page.locator('.figure').first().innerText()
  return text.includes(`${(100 * share).toFixed(1)} % of plan`) || text.includes('expected')
}

/** How many components were above the limit in ten minutes, and which lane was hottest in thirty? */
async function hottest(person) {
  await person.start()
  const panel = person.page.locator('section', {
    has: person.page.locator('h2:text-is("Hottest in the last 30 minutes")'),
  })
  await panel.locator('tbody tr').first().waitFor({ timeout: SHOWN_MS })
  // Readings arrive meanwhile: both are read until they agree.
  for (const end = Date.now() + SHOWN_MS; Date.now() < end; ) {
    const { hottest: lanes, over_limit: over } = await plant.api('/temperatures/now?sensors=false')
    const text = await panel.innerText()
    const most = Math.max(...lanes.map((lane) => lane.temp_c_max))
    const counts = over.every((one) => text.includes(`${one.over_limit} of ${one.sensors} above`))
    if (counts && text.includes(`${most.toFixed(1)} °C at`)) return true
  }
  return false
}

/** Acknowledge the most urgent alarm, whose response is beside it. */
async function acknowledge(person) {
  await person.start()
  const row = person.page.locator('[data-alarm]', { has: person.page.getByRole('button') }).first()
  await row.waitFor({ timeout: SHOWN_MS })
  const key = await row.getAttribute('data-row')
  const { alarms } = await plant.api('/alarms?state=all')
  const keyOf = (alarm) => `${alarm.rule}/${alarm.object}`
  const { response } = alarms.find((alarm) => keyOf(alarm) === key)
  const isRead = (await row.innerText()).includes(response)
  await person.click(row.getByRole('button'))
  // `row` is the first alarm with a button, which is another one after the acknowledgement.
  const same = person.page.locator(`[data-alarm][data-row="${key}"]`)
  await same.getByRole('button').waitFor({ state: 'detached', timeout: SHOWN_MS })
  const { alarms: after } = await plant.api('/alarms?state=all')
  const state = after.find((alarm) => keyOf(alarm) === key)?.state
  return isRead && (state === undefined || !state.endsWith('unacknowledged'))
}

/** Where does this OEE come from, and is it final? */
async function receipt(person, day) {
  await person.start()
  await person.click(
    person.page.locator('.figure', { has: person.page.locator('.label:has-text("OEE")') }),
  )
  await person.page.waitForURL('**/make*')
  await screen.settled(person.page)
  await person.click(person.page.locator('a[href*="figure=oee"]'))
  const drawer = person.page.getByRole('dialog')
  await drawer.waitFor({ timeout: SHOWN_MS })
  const text = await drawer.innerText()
  const { definitions, rows } = await plant.api(
    `/kpis?level=plant&granularity=shift&from=${day}&to=${day}&kpi=oee&standard=all`,
  )
  const isFinal = rows.some((row) => text.toLowerCase().includes(row.standing))
  return isFinal && definitions.some(({ formula }) => text.includes(formula))
}

/** Yesterday's report as a workbook. */
async function workbook(person) {
  await person.start()
  const saved = person.page.waitForEvent('download', { timeout: 60_000 })
  // A step that fails before it waits for the file must not end the program.
  saved.catch(() => {})
  await person.press('Control+k')
  await person.page.getByRole('dialog').getByRole('combobox').waitFor()
  await person.type('xlsx yesterday')
  await person.page.getByRole('dialog').getByRole('option').first().waitFor()
  await person.press('Enter')
  return (await saved).suggestedFilename().endsWith('.xlsx')
}

/** Why is the station behind that is furthest behind? */
async function whyBehind(person, day) {
  await person.start()
  const rows = await plant.sql(
    `SELECT station, sum(actual) - sum(planned) AS delta FROM gold.production_daily
     WHERE day_local = '${day}' GROUP BY station ORDER BY delta LIMIT 1`,
  )
  await person.click(person.page.getByRole('link', { name: rows[0].station, exact: true }))
  await person.page.waitForURL(`**/make/${rows[0].station}*`)
  await screen.settled(person.page)
  const stops = await plant.sql(
    `SELECT category, reason, sum(duration_s) AS seconds FROM gold.time_ledger
     WHERE unit = '${rows[0].station}' AND production_day = '${day}'
       AND category IN ('delay', 'down_without_order', 'setup')
     GROUP BY category, reason ORDER BY seconds DESC LIMIT 1`,
  )
  if (stops.length === 0) {
    await person.page.getByText('No stop is recorded').waitFor({ timeout: SHOWN_MS })
    return true
  }
  const { body } = await screen.tableOf(person.page, 'Why it stopped')
  return body[0][0] === (stops[0].reason?.replaceAll('_', ' ') ?? 'setup')
}

/** What cost most OEE? */
async function topLoss(person, day) {
  await person.start()
  await person.click(person.page.locator('.rail').getByRole('link', { name: 'Production' }))
  await person.page.waitForURL('**/make*')
  await screen.settled(person.page)
  const rows = await plant.sql(
    `SELECT loss, sum(lost_ms) AS lost FROM gold.losses_shift WHERE production_day = '${day}'
     GROUP BY loss ORDER BY lost DESC LIMIT 1`,
  )
  const { body } = await screen.tableOf(person.page, 'Top losses')
  if (rows.length === 0) return body[0][0] === 'No losses are computed for this day.'
  return body[0][0] === (LOSSES[rows[0].loss] ?? rows[0].loss)
}

/** Where is an order, and when does it end? */
async function whereIsAnOrder(person) {
  const [{ work_order: order, actual }] = await plant.sql(
    'SELECT work_order, actual FROM gold.work_order_progress WHERE actual > 0 ORDER BY work_order DESC LIMIT 1',
  )
  await person.start()
  await person.press('Control+k')
  await person.page.getByRole('dialog').getByRole('combobox').waitFor()
  await person.type(order)
  await person.page.getByRole('option', { name: order }).first().waitFor()
  await person.press('Enter')
  await person.page.waitForURL(`**/orders/${order}`)
  await screen.settled(person.page)
  const isEnd = await person.page.locator('.figure .label:text-is("End")').isVisible()
  return isEnd && (await screen.figure(person.page, 'Made')) === actual
}

/** Which stock is older than 540 days, and what is it worth? */
async function oldStock(person) {
  await person.start()
  await person.click(person.page.locator('.rail').getByRole('link', { name: 'Stock' }))
  await person.page.waitForURL('**/stock*')
  await screen.settled(person.page)
  const { rows } = await plant.table('gold.inventory_ageing')
  const old = rows.filter((row) => row.age_from_d >= 541).reduce((sum, row) => sum + row.value, 0)
  const figure = person.page.locator('.figure', {
    has: person.page.locator('.label:text-is("Older than 540 days")'),
  })
  const shown = screen.number(await figure.locator('.number').innerText())
  return [1, 1e5, 1e7].some((unit) => Math.abs(shown - old / unit) <= 0.5)
}

export async function questionsTest(page) {
  const day = await newestDay()
  const person = new Person(page)
  const isLive = (await plant.api('/temperatures/now?sensors=false')).at != null
  const live = [
    ['how hot is it', 0, () => hottest(person)],
    ['acknowledge an alarm', 1, () => acknowledge(person)],
  ]
  const questions = [
    ...(isLive ? live : []),
    ['where does this figure come from', 2, () => receipt(person, day)],
    ['the report of yesterday as a workbook', 3, () => workbook(person)],
    ['is anything wrong', 0, () => attention(person)],
    ['are we going to make the plan', 0, () => landing(person, day)],
    ['why is a station behind', 1, () => whyBehind(person, day)],
    ['what cost most OEE', 2, () => topLoss(person, day)],
    ['where is an order', 3, () => whereIsAnOrder(person)],
    ['which stock is old', 2, () => oldStock(person)],
  ]
  const counted = []
  for (const [name, most, ask] of questions) {
    await expect.step(name, async () => {
      expect.check(`${name}: the answer agrees with the API`, await ask())
      expect.check(
        `${name}: at most ${most} actions`,
        person.actions <= most,
        String(person.actions),
      )
      counted.push({ name, actions: person.actions })
    })
  }
  return counted
}
