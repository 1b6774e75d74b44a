// The stock page.

import { expect, plant, screen } from './harness.mjs'

const asOf = '2022-06-30'
const before = '2022-05-30'

/** The headline is a whole number; the exact one is its title. */
async function quantityIsRounded(page, quantity) {
  expect.same('stock quantity', await screen.figure(page, 'Quantity'), Math.round(quantity))
  const number = page.locator('.figure', { hasText: 'Quantity' }).locator('.number')
  const exact = (await number.getAttribute('title')) ?? (await number.innerText())
  const isExact = Math.abs(screen.number(exact) - quantity) < 0.0001
  expect.check('the exact quantity is shown when pointed at', isExact, exact)
}

async function byAge(page) {
  await screen.open(page, `/stock?as_of=${asOf}`)
  const ages = (await plant.table('gold.inventory_ageing', `&parameter.as_of=${asOf}`)).rows
  await quantityIsRounded(page, plant.sum(ages, 'quantity'))
  expect.same('stock entries', await screen.figure(page, 'Entries'), plant.sum(ages, 'entries'))
  const exact = await page.locator('.figure .note').first().innerText()
  expect.same('stock value', Math.round(screen.number(exact) * 100), plant.cents(ages, 'value'))
  const { body, foot } = await screen.tableOf(page, 'By age')
  const shown = body
    .filter((row) => screen.number(row[1]) > 0)
    .map((row) => [screen.number(row[1]), screen.number(row[3])])
  const order = (row) => (row.age_from_d < 0 ? Infinity : row.age_from_d)
  const expected = [...ages]
    .sort((a, b) => order(a) - order(b))
    .map((row) => [row.entries, Math.round(row.value)])
  expect.same('buckets', shown, expected)
  expect.same('buckets total', screen.number(foot[1]), plant.sum(ages, 'entries'))
  expect.check('the views agree', await page.getByText('bin and lot agree').isVisible())
}

async function showsItsPriceRule(page) {
  const rules = await plant.sql('SELECT DISTINCT price_rule FROM silver.material')
  for (const { price_rule } of rules) {
    expect.check(
      'price rule',
      await page.getByText(price_rule, { exact: false }).first().isVisible(),
    )
  }
}

async function changeTheDay(page) {
  await page.locator('h1').click()
  await page.keyboard.press('[')
  await screen.settled(page)
  expect.same('[ goes back a month', new URL(page.url()).searchParams.get('as_of'), before)
  const ages = (await plant.table('gold.inventory_ageing', `&parameter.as_of=${before}`)).rows
  const { body } = await screen.tableOf(page, 'By age')
  const first = ages.find((row) => row.age_from_d === 0)
  expect.same('the first bucket', screen.number(body[0][1]), first?.entries ?? 0)
  await page.locator('#as-of').fill('2021-03-01')
  await page.locator('#as-of').dispatchEvent('change')
  await screen.settled(page)
  expect.same(
    'the picker sets the day',
    new URL(page.url()).searchParams.get('as_of'),
    '2021-03-01',
  )
  expect.check('later entries are shown', await page.getByText('after the day').isVisible())
  await page.getByRole('link', { name: 'Today' }).click()
  await screen.settled(page)
  expect.same('today is no parameter', new URL(page.url()).searchParams.get('as_of'), null)
}

async function byCategoryAndBin(page) {
  const categories = (await plant.table('gold.inventory_by_category', '&order=-value')).rows
  const { body, foot } = await screen.tableOf(page, 'By category')
  expect.same(
    'top categories',
    body.slice(0, 10).map((row) => [row[0], row[1], screen.number(row[5])]),
    categories
      .slice(0, 10)
      .map((row) => [row.disc_group ?? 'none', row.posting_group ?? 'none', Math.round(row.value)]),
  )
  expect.same('categories total', screen.number(foot[3]), plant.sum(categories, 'entries'))
  const bins = (await plant.table('gold.inventory_by_bin', '&order=bin')).rows
  const shown = (await screen.tableOf(page, 'By bin')).body
  expect.same(
    'bins',
    shown.map((row) => [row[0], screen.number(row[2])]),
    bins.map((row) => [row.bin ?? 'none', row.quantity]),
  )
}

async function filterAndSortLots(page) {
  const lots = (await plant.table('gold.inventory_by_lot')).rows
  const lot = lots.find((row) => row.lot_no).lot_no
  await page.keyboard.press('/')
  await page.keyboard.type(lot)
  await screen.settled(page)
  const own = lots.filter((row) => `${row.lot_no} ${row.item_no} ${row.description}`.includes(lot))
  const { foot } = await screen.tableOf(page, 'By lot')
  expect.same('lots found', screen.number(foot[5]), plant.sum(own, 'entries'))
  await page.getByRole('link', { name: /^Entries/ }).click()
  await screen.settled(page)
  const entries = (await screen.tableOf(page, 'By lot')).body.map((row) => screen.number(row[5]))
  expect.same(
    'lots in order',
    entries,
    [...entries].sort((a, b) => b - a),
  )
}

async function reportsAnInvalidDay(page) {
  await screen.open(page, '/stock?as_of=2022-02-31')
  expect.check('an invalid day is reported', await page.getByText('Invalid day').isVisible())
}

export async function stockTest(page) {
  await expect.step('stock by age', () => byAge(page))
  await expect.step('stock shows its price rule', () => showsItsPriceRule(page))
  await expect.step('stock change the day', () => changeTheDay(page))
  await expect.step('stock by category and bin', () => byCategoryAndBin(page))
  await expect.step('stock filter and sort lots', () => filterAndSortLots(page))
  await expect.step('stock downloads', () => screen.downloads(page))
  await expect.step('stock reports an invalid day', () => reportsAnInvalidDay(page))
}
