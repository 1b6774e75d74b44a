// The pages about work orders, compared with the API.

import { expect, plant, screen } from './harness.mjs'

/** Orders whose records are shown one by one. */
const ORDERS = 3
const TABLE = 'gold.work_order_progress'

async function listsAllOrders(page) {
  await screen.open(page, '/orders')
  const { rows } = await plant.table(TABLE)
  expect.same('orders: all', await screen.figure(page, 'Work orders'), rows.length)
  const closed = rows.filter((row) => row.quantity !== null && row.is_closed).length
  expect.same('orders: closed', await screen.figure(page, 'Closed'), closed)
  const shown = (await screen.tableOf(page, 'Work orders')).body.slice(0, 20)
  const byOrder = new Map(rows.map((row) => [row.work_order, row]))
  const wrong = shown.filter((cells) => {
    const row = byOrder.get(cells[0])
    return (
      screen.number(cells[3]) !== row.actual ||
      (row.quantity !== null && screen.number(cells[4]) !== row.quantity)
    )
  })
  expect.same('orders: made and ordered', wrong, [])
}

async function filtersOrders(page) {
  const { rows } = await plant.table(TABLE)
  const wanted = rows.find((row) => row.actual > 0).work_order
  await page.locator('[data-filter]').fill(wanted)
  await page.waitForURL(/q=/)
  const { body } = await screen.tableOf(page, 'Work orders')
  expect.same(
    'orders: found by number',
    body.map((row) => row[0]),
    [wanted],
  )
  await page.getByRole('link', { name: wanted, exact: true }).click()
  await screen.settled(page)
  expect.same('orders: one click to the order', new URL(page.url()).pathname, `/orders/${wanted}`)
  await page.locator('h1').click()
  await page.keyboard.press('Backspace')
  await screen.settled(page)
  expect.same('orders: Backspace goes up', new URL(page.url()).pathname, '/orders')
}

async function showsAnOrder(page, row) {
  const { work_order: order } = row
  await screen.open(page, `/orders/${order}`)
  expect.same(`${order} made`, await screen.figure(page, 'Made'), row.actual)
  if (row.remaining !== null) {
    expect.same(`${order} remaining`, await screen.figure(page, 'Remaining'), row.remaining)
  }
  const { rows } = await plant.table('gold.production_hourly', `&filter.work_order=${order}`)
  const { body, foot } = await screen.tableOf(page, 'Boards by hour of the order')
  const hours = new Set(rows.map((one) => `${one.day_local} ${one.hour_local}`))
  expect.same(`${order} hours`, body.length, hours.size)
  expect.same(`${order} made in its hours`, screen.number(foot[3]), plant.sum(rows, 'actual'))
  expect.same(`${order} planned in its hours`, screen.number(foot[2]), plant.sum(rows, 'planned'))
  const stages = await plant.sql(
    `SELECT surface, count(*) AS stages FROM silver.routing_stage WHERE work_order = '${order}'
     GROUP BY surface ORDER BY surface`,
  )
  const shown = (await screen.tableOf(page, 'Routing stages')).body
  expect.same(
    `${order} stages`,
    shown.map((cells) => screen.number(cells[1])),
    stages.map((one) => one.stages),
  )
}

/** More boards than ordered are named as a contradiction. */
async function showsContradictions(page) {
  const { rows } = await plant.table(TABLE)
  const over = rows.find((row) => row.quantity !== null && row.actual > row.quantity)
  if (!over) return
  await screen.open(page, `/orders/${over.work_order}`)
  const text = await page.locator('.odd').innerText()
  const numbers = text.match(/([\d,]+) boards made, ([\d,]+) ordered/)
  expect.same('more made than ordered', numbers?.slice(1).map(screen.number), [
    over.actual,
    over.quantity,
  ])
}

async function reportsAMissingOrder(page) {
  await screen.open(page, '/orders/W-0')
  const isReported = await page.getByText('There is no work order W-0.').isVisible()
  expect.check('a missing order is reported', isReported)
}

export async function ordersTest(page) {
  await expect.step('orders', () => listsAllOrders(page))
  await expect.step('orders filter', () => filtersOrders(page))
  const { rows } = await plant.table(TABLE)
  const some = rows.filter((row) => row.actual > 0).slice(0, ORDERS)
  for (const row of some) await expect.step(row.work_order, () => showsAnOrder(page, row))
  await expect.step('order downloads', () => screen.downloads(page))
  await expect.step('contradictions', () => showsContradictions(page))
  await expect.step('missing order', () => reportsAMissingOrder(page))
}
