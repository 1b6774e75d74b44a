// OEE and the time ledger on the production page.

import { expect, plant, screen } from './harness.mjs'

const SHOWN = [
  'oee',
  'availability',
  'effectiveness',
  'quality_ratio',
  'utilisation',
  'boards_per_hour',
  'plan_attainment',
  'planned_hours_with_production',
]

const idOf = (name, { shift, unit }) =>
  [name, shift ?? 'none', ...(unit === null ? [] : [unit])].join('.')
const cell = (page, id) => page.locator(`[id="figure-${id}"]`)
const why = ({ unknown, none }) => none ?? `unknown: ${unknown}`
const isIdle = (row) =>
  row.shift === null && Object.values(row.kpis).every((kpi) => kpi.value === null)

/** Each figure is shown with the value of the API, or with its reason and no number. */
async function everyFigure(page, { day, units, wholes, definitions }) {
  await screen.open(page, `/make?day=${day}`)
  const shown = await page.locator('[id^="figure-"]').evaluateAll((all) =>
    Object.fromEntries(
      all.map((one) => {
        const seen = one.cloneNode(true)
        seen.querySelector('.visually-hidden').remove()
        return [one.id, [...seen.children].map((part) => part.textContent.trim()).join('\n')]
      }),
    ),
  )
  const expected = units.filter((row) => !isIdle(row))
  const shifts = new Set(expected.map((row) => row.shift))
  const rows = [...expected, ...wholes.filter((row) => shifts.has(row.shift))]
  const wrong = []
  for (const row of rows) {
    for (const { name, unit } of definitions) {
      const kpi = row.kpis[name]
      if (!kpi) continue
      const id = idOf(name, row)
      const text = shown[`figure-${id}`]
      if (!text) wrong.push(`${id} is missing`)
      else if (kpi.value === null) {
        if (!text.startsWith(why(kpi))) wrong.push(`${id}: ${text}`)
        if (/^\W*0/m.test(text)) wrong.push(`${id} shows an unknown value as 0: ${text}`)
      } else {
        const value = (unit === '%' ? 100 : 1) * kpi.value
        const [first] = text.split('\n')
        if (Math.abs(screen.number(first) - value) > 0.0501)
          wrong.push(`${id}: ${first}, not ${value}`)
        const isAbove = unit === '%' && kpi.value > 1 && name !== 'plan_attainment'
        if (isAbove !== text.includes('above 100 %')) wrong.push(`${id} is not flagged: ${text}`)
        if (kpi.high !== null && !text.includes(`${(100 * kpi.high).toFixed(1)} %`)) {
          wrong.push(`${id} has no high bound: ${text}`)
        }
      }
    }
  }
  expect.same(`${day} figures are the API's`, wrong, [])
  expect.check(`${day} has figures`, rows.length > 0)
}

async function timeIsBalanced(page, { day, ledger, length_s }, shift = null) {
  const bars = await page.locator('tr:has(.bar)').evaluateAll((rows) =>
    rows.map((row) => {
      const parts = [...row.querySelectorAll('[data-seconds]')]
      const width = (one) => one.getBoundingClientRect().width
      return {
        unit: row.cells[0].innerText,
        seconds: parts.reduce((so, one) => so + Number(one.dataset.seconds), 0),
        filled: parts.reduce((so, one) => so + width(one), 0) / width(row.querySelector('.bar')),
        total: row.cells[row.cells.length - 1].innerText,
        minutes: [...row.cells].slice(2, -1).reduce((so, one) => {
          const [hours, minutes] = one.innerText.split(':').map(Number)
          return so + (minutes === undefined ? 0 : 60 * hours + minutes)
        }, 0),
      }
    }),
  )
  const units = [...new Set(ledger.map((row) => row.unit))].sort()
  // On its first and last day a unit has data for a part of the time only.
  const seconds = units.map((unit) =>
    plant.sum(
      ledger.filter((row) => row.unit === unit),
      'duration_s',
    ),
  )
  const minutes = seconds.map((one) => Math.round(one / 60))
  const name = `${day} ${shift ?? 'all shifts'}`
  expect.same(
    `${name}: bars, by unit`,
    bars.map((one) => one.unit),
    units,
  )
  expect.same(
    `${name}: bars are as long as the time`,
    bars.map((one) => one.seconds),
    seconds,
  )
  expect.same(
    `${name}: minutes add up`,
    bars.map((one) => one.minutes),
    minutes,
  )
  expect.check(
    `${name}: bars are filled as far as the unit is known`,
    bars.every((one, at) => Math.abs(one.filled - seconds[at] / length_s) < 0.005),
    JSON.stringify(bars),
  )
  const clock = (of) => `${Math.floor(of / 60)}:${String(of % 60).padStart(2, '0')}`
  expect.same(
    `${name}: totals`,
    bars.map((one) => one.total),
    minutes.map(clock),
  )
  expect.check(
    `${name}: the page reports that the time is balanced`,
    await page.getByText('Every second of every unit').isVisible(),
  )
}

async function timelines(page, { ledger, length_s }) {
  const strip = page.getByRole('slider').first()
  const filled = await page.getByRole('slider').evaluateAll((all) =>
    all.map((one) => {
      const width = (of) => of.getBoundingClientRect().width
      return [...one.children].reduce((so, part) => so + width(part), 0) / width(one)
    }),
  )
  const known = [...new Set(ledger.map((row) => row.unit))].sort().map((unit) => {
    const own = ledger.filter((row) => row.unit === unit)
    return plant.sum(own, 'duration_s') / length_s
  })
  expect.check(
    'timelines have no gap',
    filled.every((part, at) => Math.abs(part - known[at]) < 0.005),
    JSON.stringify(filled),
  )
  expect.same(
    'each unit has a timeline',
    filled.length,
    new Set(ledger.map((row) => row.unit)).size,
  )
  await strip.focus()
  await page.keyboard.press('Home')
  const first = await strip.getAttribute('aria-valuetext')
  expect.check(
    'a timeline describes the selected state',
    await page.getByText(first, { exact: true }).isVisible(),
  )
  await page.keyboard.press('ArrowRight')
  expect.check(
    'an arrow selects the next state',
    (await strip.getAttribute('aria-valuetext')) !== first,
  )
}

async function oneShift(page, { day, ledger }) {
  const shift = ledger.find((row) => row.shift !== null)?.shift
  if (!shift) return
  await screen.open(page, `/make?day=${day}`)
  await page.getByRole('link', { name: `Shift ${shift}`, exact: true }).click()
  await screen.settled(page)
  expect.same(
    'the address contains the shift',
    new URL(page.url()).searchParams.get('shift'),
    shift,
  )
  const own = ledger.filter((row) => row.shift === shift)
  const length_s = plant.sum(
    own.filter((row) => row.unit === own[0].unit),
    'duration_s',
  )
  await timeIsBalanced(page, { day, ledger: own, length_s }, `shift ${shift}`)
}

/** By keyboard only: to a figure, into its definition, and back. */
async function definitionByKeyboard(page, { day, units, definitions }) {
  await screen.open(page, `/make?day=${day}`)
  const row = units.find((one) => one.shift !== null)
  const definition = definitions.find((one) => one.name === 'availability')
  const kpi = row.kpis.availability
  const id = idOf('availability', row)
  await cell(page, idOf('oee', row)).focus()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.waitFor()
  expect.same('the address contains the figure', new URL(page.url()).searchParams.get('figure'), id)
  expect.check('focus is in the definition', await dialog.locator('button:focus').isVisible())
  const text = await dialog.innerText()
  for (const part of ['title', 'formula', 'numerator', 'denominator', 'source', 'caveat']) {
    expect.check(`the definition has its ${part}`, text.includes(definition[part]), text)
  }
  const counted = (value) => `${value.toLocaleString('en-IN')} s`
  expect.check('it has the denominator', text.includes(counted(kpi.denominator)), text)
  if (kpi.value === null) {
    expect.check('it gives the reason of a missing value', text.includes(why(kpi)), text)
    expect.check(
      'it does not show 0',
      text.includes('not known') && !/\b0(\.0)? (s|%)/.test(text),
      text,
    )
  } else {
    expect.check('it has the numerator', text.includes(counted(kpi.numerator)), text)
    expect.check('it has the value', text.includes(`${(100 * kpi.value).toFixed(1)} %`), text)
  }
  expect.check(
    `it shows the status ${row.standing}`,
    text.toLowerCase().includes(row.standing),
    text,
  )
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  expect.same(
    'Escape takes it out of the address',
    new URL(page.url()).searchParams.get('figure'),
    null,
  )
  expect.check(
    'focus is back at the figure',
    await cell(page, id).evaluate((one) => one === document.activeElement),
  )
  await page.goBack()
  await dialog.waitFor()
  await dialog.getByRole('button').click()
  await screen.open(page, `/make?day=${day}&figure=oee.nowhere`)
  expect.check(
    'a missing figure is reported',
    await page.getByText('There is no figure').isVisible(),
  )
}

/** The headline opens the same definition, and gets the focus back afterwards. */
async function headline(page, { day, wholes }) {
  const row = wholes.find((one) => one.shift !== null)
  await screen.open(page, `/make?day=${day}&shift=${row.shift}`)
  const head = page.locator('.figures a.figure')
  const text = await head.innerText()
  const { value, unknown, none } = row.kpis.oee
  const expected = value === null ? (none ?? unknown) : `${(100 * value).toFixed(1)} %`
  expect.check('the headline is the OEE of the shift', text.includes(expected), text)
  await head.focus()
  await page.keyboard.press('Enter')
  const id = new URL(page.url()).searchParams.get('figure')
  expect.same('the headline opens its definition', id, idOf('oee', row))
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect.check(
    'focus is back at the headline',
    await head.evaluate((one) => one === document.activeElement),
  )
}

async function sortedUnits(page, { day, units }) {
  const shift = units.find((row) => row.shift !== null)?.shift
  await screen.open(page, `/make?day=${day}`)
  await page.getByRole('columnheader').getByRole('link', { name: 'Boards per hour' }).click()
  await screen.settled(page)
  const found = await page
    .locator(`table[data-shift="${shift}"] tbody tr:not(.whole) th .name`)
    .allInnerTexts()
  const expected = units
    .filter((row) => row.shift === shift)
    .sort((a, b) => b.kpis.boards_per_hour.value - a.kpis.boards_per_hour.value)
  expect.same(
    'units are sorted by boards per hour',
    found,
    expected.map((row) => row.unit),
  )
  const standings = await page
    .locator(`table[data-shift="${shift}"] tbody tr:not(.whole) th [data-status]`)
    .evaluateAll((all) => all.map((one) => one.dataset.status))
  expect.same(
    'each unit shows its status',
    standings,
    expected.map((row) => row.standing),
  )
}

/** Without machine events the page reports that, and shows the figures that do not need them. */
async function reportsUnknownFigures(page, { day, units, ledger }) {
  if (ledger.some((row) => row.source === 'machine_events')) return
  await screen.open(page, `/make?day=${day}`)
  const row = units.find((one) => one.shift !== null)
  const text = await cell(page, idOf('availability', row)).innerText()
  expect.check(
    'availability is unknown without events',
    text.includes('unknown: no machine events'),
  )
  expect.check(
    'the time panel gives the same reason',
    (await page.locator('[data-balance]').innerText()).includes('no machine events'),
  )
  const head = page.locator('.figure', { hasText: 'OEE' })
  expect.check('the headline is a word', (await head.innerText()).includes('unknown'))
  for (const name of ['boards_per_hour', 'planned_hours_with_production']) {
    const shown = await cell(page, idOf(name, row)).locator('.value').innerText()
    expect.check(`${name} is known`, screen.number(shown) > 0, shown)
  }
}

async function ofDay(day) {
  const query = `each=shift&from=${day}&to=${day}&kpi=${SHOWN.join(',')}`
  const { rows: units, definitions } = await plant.api(`/kpis?by=unit&${query}`)
  const { rows: wholes } = await plant.api(`/kpis?by=plant&${query}`)
  const ledger = (await plant.table('gold.time_ledger', `&filter.production_day=${day}`)).rows
  const ends = ledger.flatMap((row) => [Date.parse(row.from_at), Date.parse(row.to_at)])
  const length_s = (Math.max(...ends) - Math.min(...ends)) / 1000
  return { day, units, wholes, definitions, ledger, length_s }
}

export async function oeeTest(page) {
  const days = await plant.sql(
    'SELECT DISTINCT day_local FROM gold.production_daily ORDER BY day_local',
  )
  const names = days.map((row) => row.day_local)
  const day = names[Math.floor(names.length / 2)]
  const query = `by=unit&each=shift&from=${names[0]}&to=${names.at(-1)}&kpi=effectiveness`
  const above = (await plant.api(`/kpis?${query}`)).rows.find(
    (row) => row.kpis.effectiveness?.value > 1,
  )

  const shown = await ofDay(day)
  await expect.step('every figure', () => everyFigure(page, shown))
  await expect.step('time is balanced', () => timeIsBalanced(page, shown))
  await expect.step('timelines', () => timelines(page, shown))
  await expect.step('one shift', () => oneShift(page, shown))
  await expect.step('definition by keyboard', () => definitionByKeyboard(page, shown))
  await expect.step('headline', () => headline(page, shown))
  await expect.step('sorted units', () => sortedUnits(page, shown))
  await expect.step('unknown figures are reported', () => reportsUnknownFigures(page, shown))
  if (above && above.production_day !== day) {
    await expect.step('figures above 100 %', async () =>
      everyFigure(page, await ofDay(above.production_day)),
    )
  }
}
