// The page of production.

import {
  check,
  downloads,
  figure,
  number,
  open,
  same,
  settled,
  sql,
  step,
  sum,
  table,
  tableOf,
} from './kit.mjs'

async function makeDay(page, { day, hours, daily: days }) {
  await open(page, `/make?day=${day}`)
  same(`${day} plan`, await figure(page, 'Plan'), sum(days, 'planned'))
  same(`${day} made`, await figure(page, 'Made'), sum(days, 'actual'))
  same(`${day} off plan`, await figure(page, 'Off plan'), sum(days, 'actual_off_plan'))
  const { body } = await tableOf(page, 'Boards by hour')
  const line = (name) =>
    body
      .find((row) => row[0] === name)
      .slice(1, -1)
      .map((text) => number(text || '0'))
  const byHour = (key) =>
    Array.from({ length: 24 }, (_, hour) =>
      sum(
        hours.filter((row) => row.hour_local === hour),
        key,
      ),
    )
  same(`${day} plan by hour`, line('Plan'), byHour('planned'))
  same(`${day} made by hour`, line('Made'), byHour('actual'))
  const off = hours.filter((row) => row.plan_rows === 0)
  const offByHour = Array.from({ length: 24 }, (_, hour) =>
    sum(
      off.filter((row) => row.hour_local === hour),
      'actual',
    ),
  )
  same(`${day} off plan by hour`, line('Off plan'), offByHour)
  check(
    `${day} says that its hours close`,
    await page.getByText('The hours add up to the day').isVisible(),
  )
}

async function pickADay(page, { names }) {
  const other = names[0]
  await page.locator('.picker select').selectOption(other)
  await settled(page)
  same('the address holds the day', new URL(page.url()).searchParams.get('day'), other)
  const rows = (await table('gold.production_daily', `&filter.day_local=${other}`)).rows
  same('the other day made', await figure(page, 'Made'), sum(rows, 'actual'))
  await page.locator('h1').click()
  await page.keyboard.press(']')
  await settled(page)
  same('] goes to the next day with data', new URL(page.url()).searchParams.get('day'), names[1])
  await page.keyboard.press('[')
  await settled(page)
  same('[ goes back', new URL(page.url()).searchParams.get('day'), other)
  await page.goBack()
  await settled(page)
  same('Back undoes it', new URL(page.url()).searchParams.get('day'), names[1])
}

async function byStation(page, { day, daily }) {
  await open(page, `/make?day=${day}`)
  await page.getByRole('link', { name: 'Station', exact: true }).click()
  await settled(page)
  const { body, foot } = await tableOf(page, 'Boards by station')
  const stations = [...new Set(daily.map((row) => row.station))].sort()
  const expected = stations.map((station) => {
    const own = daily.filter((row) => row.station === station)
    return [station, sum(own, 'planned'), sum(own, 'actual')]
  })
  same(
    'stations',
    body.map((row) => [row[0], number(row[1]), number(row[2])]),
    expected,
  )
  same('stations total', [foot[1], foot[2]].map(number), [
    sum(daily, 'planned'),
    sum(daily, 'actual'),
  ])
}

async function filterAStation(page, { daily }) {
  const station = daily[0].station
  await page.locator('select[data-filter]').selectOption(station)
  await settled(page)
  const own = daily.filter((row) => row.station === station)
  same('filtered plan', await figure(page, 'Plan'), sum(own, 'planned'))
  same('filtered made', await figure(page, 'Made'), sum(own, 'actual'))
  await page.getByRole('link', { name: 'Item', exact: true }).click()
  await settled(page)
  const { body, foot } = await tableOf(page, 'Boards by item')
  same('items of the station', body.length, new Set(own.map((row) => row.item)).size)
  same('items total made', number(foot[3]), sum(own, 'actual'))
  const made = body.map((row) => number(row[3]))
  same(
    'items stand in order',
    made,
    [...made].sort((a, b) => b - a),
  )
  await page.getByRole('link', { name: 'Plan boards', exact: true }).click()
  await settled(page)
  const planned = (await tableOf(page, 'Boards by item')).body.map((row) => number(row[2]))
  same(
    'items sort by plan',
    planned,
    [...planned].sort((a, b) => b - a),
  )
}

async function topTenAndInspections(page, { day }) {
  await open(page, `/make?day=${day}`)
  const top = (await table('gold.top_items_daily', `&filter.day_local=${day}&order=rank`)).rows
  const { body } = await tableOf(page, 'Top ten items of the day')
  same(
    'top ten',
    body.map((row) => [row[1], number(row[2])]),
    top.map((row) => [row.item, row.actual]),
  )
  const quality = (await table('gold.quality_hourly', `&filter.day_local=${day}`)).rows
  same('inspected', await figure(page, 'Inspected'), sum(quality, 'inspected'))
  const { foot } = await tableOf(page, 'Inspections by station')
  same('passed', number(foot[2]), sum(quality, 'passed'))
}

async function saysWhatIsMissing(page) {
  await open(page, '/make?day=1999-01-01')
  check('a day without data is told', await page.getByText('There is no data on').isVisible())
}

export async function makeTest(page) {
  const days = await sql('SELECT DISTINCT day_local FROM gold.production_daily ORDER BY day_local')
  const names = days.map((row) => row.day_local)
  const day = names[Math.floor(names.length / 2)]
  const hours = (await table('gold.production_hourly', `&filter.day_local=${day}`)).rows
  const daily = (await table('gold.production_daily', `&filter.day_local=${day}`)).rows

  const plant = { names, day, hours, daily }
  await step('make by hour', () => makeDay(page, plant))
  await step('make pick a day', () => pickADay(page, plant))
  await step('make by station', () => byStation(page, plant))
  await step('make filter a station', () => filterAStation(page, plant))
  await step('make top ten and inspections', () => topTenAndInspections(page, plant))
  await step('make downloads', () => downloads(page))
  await step('make says what is missing', () => saysWhatIsMissing(page))
}
