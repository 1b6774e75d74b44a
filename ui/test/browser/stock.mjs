// The page of stock.

import {
  cents,
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

const asOf = '2022-06-30'
const before = '2022-05-30'

async function byAge(page) {
  await open(page, `/stock?as_of=${asOf}`)
  const ages = (await table('gold.inventory_ageing', `&parameter.as_of=${asOf}`)).rows
  same('stock quantity', await figure(page, 'Quantity'), sum(ages, 'quantity'))
  same('stock entries', await figure(page, 'Entries'), sum(ages, 'entries'))
  const exact = await page.locator('.figure .note').first().innerText()
  same('stock value', Math.round(number(exact) * 100), cents(ages, 'value'))
  const { body, foot } = await tableOf(page, 'By age')
  const shown = body
    .filter((row) => number(row[1]) > 0)
    .map((row) => [number(row[1]), number(row[3])])
  const order = (row) => (row.age_from_d < 0 ? Infinity : row.age_from_d)
  const expected = [...ages]
    .sort((a, b) => order(a) - order(b))
    .map((row) => [row.entries, Math.round(row.value)])
  same('buckets', shown, expected)
  same('buckets total', number(foot[1]), sum(ages, 'entries'))
  check('the views agree', await page.getByText('give the same total').isVisible())
}

async function showsItsPriceRule(page) {
  const rules = await sql('SELECT DISTINCT price_rule FROM silver.material')
  for (const { price_rule } of rules) {
    check('price rule', await page.getByText(price_rule, { exact: false }).first().isVisible())
  }
}

async function changeTheDay(page) {
  await page.locator('h1').click()
  await page.keyboard.press('[')
  await settled(page)
  same('[ goes back a month', new URL(page.url()).searchParams.get('as_of'), before)
  const ages = (await table('gold.inventory_ageing', `&parameter.as_of=${before}`)).rows
  const { body } = await tableOf(page, 'By age')
  const first = ages.find((row) => row.age_from_d === 0)
  same('the first bucket', number(body[0][1]), first?.entries ?? 0)
  await page.locator('#as-of').fill('2021-03-01')
  await page.locator('#as-of').dispatchEvent('change')
  await settled(page)
  same('the picker sets the day', new URL(page.url()).searchParams.get('as_of'), '2021-03-01')
  check('later entries are told', await page.getByText('after the day').isVisible())
  await page.getByRole('link', { name: 'Today' }).click()
  await settled(page)
  same('today is no parameter', new URL(page.url()).searchParams.get('as_of'), null)
}

async function byCategoryAndBin(page) {
  const categories = (await table('gold.inventory_by_category', '&order=-value')).rows
  const { body, foot } = await tableOf(page, 'By category')
  same(
    'top categories',
    body.slice(0, 10).map((row) => [row[0], row[1], number(row[5])]),
    categories
      .slice(0, 10)
      .map((row) => [row.disc_group ?? 'none', row.posting_group ?? 'none', Math.round(row.value)]),
  )
  same('categories total', number(foot[3]), sum(categories, 'entries'))
  const bins = (await table('gold.inventory_by_bin', '&order=bin')).rows
  const shown = (await tableOf(page, 'By bin')).body
  same(
    'bins',
    shown.map((row) => [row[0], number(row[2])]),
    bins.map((row) => [row.bin ?? 'none', row.quantity]),
  )
}

async function filterAndSortLots(page) {
  const lots = (await table('gold.inventory_by_lot')).rows
  const lot = lots.find((row) => row.lot_no).lot_no
  await page.keyboard.press('/')
  await page.keyboard.type(lot)
  await settled(page)
  const own = lots.filter((row) => `${row.lot_no} ${row.item_no} ${row.description}`.includes(lot))
  const { foot } = await tableOf(page, 'By lot')
  same('lots found', number(foot[5]), sum(own, 'entries'))
  await page.getByRole('link', { name: /^Entries/ }).click()
  await settled(page)
  const entries = (await tableOf(page, 'By lot')).body.map((row) => number(row[5]))
  same(
    'lots in order',
    entries,
    [...entries].sort((a, b) => b - a),
  )
}

async function saysWhatIsNoDay(page) {
  await open(page, '/stock?as_of=2022-02-31')
  check('a day that does not exist is told', await page.getByText('does not exist').isVisible())
}

export async function stockTest(page) {
  await step('stock by age', () => byAge(page))
  await step('stock shows its price rule', () => showsItsPriceRule(page))
  await step('stock change the day', () => changeTheDay(page))
  await step('stock by category and bin', () => byCategoryAndBin(page))
  await step('stock filter and sort lots', () => filterAndSortLots(page))
  await step('stock downloads', () => downloads(page))
  await step('stock says what is no day', () => saysWhatIsNoDay(page))
}
