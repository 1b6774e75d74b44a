// The production page.

import { expect, plant, screen } from './harness.mjs'

async function makeDay(page, { day, hours, daily: days }) {
  await screen.open(page, `/make?day=${day}`)
  expect.same(`${day} plan`, await screen.figure(page, 'Plan'), plant.sum(days, 'planned'))
  expect.same(`${day} made`, await screen.figure(page, 'Made'), plant.sum(days, 'actual'))
  expect.same(
    `${day} off plan`,
    await screen.figure(page, 'Off plan'),
    plant.sum(days, 'actual_off_plan'),
  )
  const { body } = await screen.tableOf(page, 'Boards by hour')
  const line = (name) =>
    body
      .find((row) => row[0] === name)
      .slice(1, -1)
      .map((text) => screen.number(text || '0'))
  const byHour = (key) =>
    Array.from({ length: 24 }, (_, hour) =>
      plant.sum(
        hours.filter((row) => row.hour_local === hour),
        key,
      ),
    )
  expect.same(`${day} plan by hour`, line('Plan'), byHour('planned'))
  expect.same(`${day} made by hour`, line('Made'), byHour('actual'))
  const off = hours.filter((row) => row.plan_rows === 0)
  const offByHour = Array.from({ length: 24 }, (_, hour) =>
    plant.sum(
      off.filter((row) => row.hour_local === hour),
      'actual',
    ),
  )
  expect.same(`${day} off plan by hour`, line('Off plan'), offByHour)
  expect.check(
    `${day} reports that its hours add up`,
    await page.getByText('The hours add up to the day').isVisible(),
  )
}

async function pickADay(page, { names }) {
  const other = names[0]
  await page.locator('.picker select').selectOption(other)
  await screen.settled(page)
  expect.same('the address contains the day', new URL(page.url()).searchParams.get('day'), other)
  const rows = (await plant.table('gold.production_daily', `&filter.day_local=${other}`)).rows
  expect.same('the other day made', await screen.figure(page, 'Made'), plant.sum(rows, 'actual'))
  await page.locator('h1').click()
  await page.keyboard.press(']')
  await screen.settled(page)
  expect.same(
    '] goes to the next day with data',
    new URL(page.url()).searchParams.get('day'),
    names[1],
  )
  await page.keyboard.press('[')
  await screen.settled(page)
  expect.same('[ goes back', new URL(page.url()).searchParams.get('day'), other)
  await page.goBack()
  await screen.settled(page)
  expect.same('Back undoes it', new URL(page.url()).searchParams.get('day'), names[1])
}

async function byStation(page, { day, daily }) {
  await screen.open(page, `/make?day=${day}`)
  await page.getByRole('link', { name: 'Station', exact: true }).click()
  await screen.settled(page)
  const { body, foot } = await screen.tableOf(page, 'Boards by station')
  const stations = [...new Set(daily.map((row) => row.station))].sort()
  const expected = stations.map((station) => {
    const own = daily.filter((row) => row.station === station)
    return [station, plant.sum(own, 'planned'), plant.sum(own, 'actual')]
  })
  expect.same(
    'stations',
    body.map((row) => [row[0], screen.number(row[1]), screen.number(row[2])]),
    expected,
  )
  expect.same('stations total', [foot[1], foot[2]].map(screen.number), [
    plant.sum(daily, 'planned'),
    plant.sum(daily, 'actual'),
  ])
}

async function filterAStation(page, { daily }) {
  const station = daily[0].station
  await page.locator('select[data-filter]').selectOption(station)
  await screen.settled(page)
  const own = daily.filter((row) => row.station === station)
  expect.same('filtered plan', await screen.figure(page, 'Plan'), plant.sum(own, 'planned'))
  expect.same('filtered made', await screen.figure(page, 'Made'), plant.sum(own, 'actual'))
  await page.getByRole('link', { name: 'Item', exact: true }).click()
  await screen.settled(page)
  const { body, foot } = await screen.tableOf(page, 'Boards by item')
  expect.same('items of the station', body.length, new Set(own.map((row) => row.item)).size)
  expect.same('items total made', screen.number(foot[3]), plant.sum(own, 'actual'))
  const made = body.map((row) => screen.number(row[3]))
  expect.same(
    'items are sorted',
    made,
    [...made].sort((a, b) => b - a),
  )
  await page.getByRole('link', { name: 'Plan boards', exact: true }).click()
  await screen.settled(page)
  const planned = (await screen.tableOf(page, 'Boards by item')).body.map((row) =>
    screen.number(row[2]),
  )
  expect.same(
    'items sort by plan',
    planned,
    [...planned].sort((a, b) => b - a),
  )
}

async function topTenAndInspections(page, { day }) {
  await screen.open(page, `/make?day=${day}`)
  const top = (await plant.table('gold.top_items_daily', `&filter.day_local=${day}&order=rank`))
    .rows
  const { body } = await screen.tableOf(page, 'Top ten items of the day')
  expect.same(
    'top ten',
    body.map((row) => [row[1], screen.number(row[2])]),
    top.map((row) => [row.item, row.actual]),
  )
  const quality = (await plant.table('gold.quality_hourly', `&filter.day_local=${day}`)).rows
  expect.same('inspected', await screen.figure(page, 'Inspected'), plant.sum(quality, 'inspected'))
  const { foot } = await screen.tableOf(page, 'Inspections by station')
  expect.same('passed', screen.number(foot[2]), plant.sum(quality, 'passed'))
}

async function reportsAMissingDay(page) {
  await screen.open(page, '/make?day=1999-01-01')
  expect.check(
    'a day without data is reported',
    await page.getByText('There is no data on').isVisible(),
  )
}

export async function makeTest(page) {
  const days = await plant.sql(
    'SELECT DISTINCT day_local FROM gold.production_daily ORDER BY day_local',
  )
  const names = days.map((row) => row.day_local)
  const day = names[Math.floor(names.length / 2)]
  const hours = (await plant.table('gold.production_hourly', `&filter.day_local=${day}`)).rows
  const daily = (await plant.table('gold.production_daily', `&filter.day_local=${day}`)).rows

  const shown = { names, day, hours, daily }
  await expect.step('make by hour', () => makeDay(page, shown))
  await expect.step('make pick a day', () => pickADay(page, shown))
  await expect.step('make by station', () => byStation(page, shown))
  await expect.step('make filter a station', () => filterAStation(page, shown))
  await expect.step('make top ten and inspections', () => topTenAndInspections(page, shown))
  await expect.step('make downloads', () => screen.downloads(page))
  await expect.step('make reports a missing day', () => reportsAMissingDay(page))
}
