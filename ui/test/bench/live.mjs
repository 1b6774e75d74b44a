// What a page costs while it is open, how quickly it answers, and what it does when the link is lost.

import { BASE, screen } from '../browser/harness.mjs'
import { quantile } from './load.mjs'

const VIEWPORT = { width: 1366, height: 768 }
const SECOND_MS = 1_000

async function opened(browser, path) {
  const context = await browser.newContext({ viewport: VIEWPORT })
  const page = await context.newPage()
  await page.goto(BASE + path)
  await page.waitForSelector('main h1')
  await page.waitForTimeout(3 * SECOND_MS)
  return { context, page, session: await context.newCDPSession(page) }
}

async function metricsOf(session) {
  const { metrics } = await session.send('Performance.getMetrics')
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
}

/** Frames and the main thread of a page that is open for some seconds, with a slower processor if `rate` is above 1. */
export async function frames(browser, path, seconds, rate = 1) {
  const { context, page, session } = await opened(browser, path)
  await session.send('Performance.enable')
  await session.send('Emulation.setCPUThrottlingRate', { rate })
  const before = await metricsOf(session)
  const deltas = await page.evaluate(
    (length) =>
      new Promise((done) => {
        const found = []
        let last = performance.now()
        const end = last + length
        const step = (now) => {
          found.push(now - last)
          last = now
          if (now < end) requestAnimationFrame(step)
          else done(found)
        }
        requestAnimationFrame(step)
      }),
    seconds * SECOND_MS,
  )
  const after = await metricsOf(session)
  await context.close()
  return {
    p95_ms: quantile(deltas, 0.95),
    p99_ms: quantile(deltas, 0.99),
    busy: (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp),
  }
}

/** Layout shifts, and the change of the number of nodes, of a page that is open for some seconds. */
export async function stillness(browser, path, seconds) {
  const { context, page, session } = await opened(browser, path)
  await session.send('Performance.enable')
  await page.evaluate(() => {
    globalThis.shift = 0
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.shift += entry.value
    }).observe({ type: 'layout-shift' })
  })
  const nodes = async () => {
    await session.send('HeapProfiler.collectGarbage')
    const { Nodes, JSHeapUsedSize } = await metricsOf(session)
    return { nodes: Nodes, heap: JSHeapUsedSize }
  }
  const before = await nodes()
  const heaps = []
  for (let at = 0; at < seconds; at += 10) {
    await page.waitForTimeout(10 * SECOND_MS)
    heaps.push((await nodes()).heap)
  }
  const after = await nodes()
  const shift = await page.evaluate(() => globalThis.shift)
  await context.close()
  return { seconds, shift, nodes: after.nodes - before.nodes, heap_mb_per_h: slope(heaps) }
}

/** Megabytes an hour, by least squares over values of every ten seconds. */
function slope(heaps) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const hours = heaps.map((_, nth) => (nth * 10) / 3_600)
  const [x, y] = [mean(hours), mean(heaps)]
  const over = hours.reduce((sum, hour, nth) => sum + (hour - x) * (heaps[nth] - y), 0)
  return over / hours.reduce((sum, hour) => sum + (hour - x) ** 2, 0) / 1e6
}

/** The time from an input to the next frame, over some sixty of them. */
export async function interactions(browser) {
  const { context, page } = await opened(browser, '/orders')
  await page.evaluate(() => {
    globalThis.inputs = []
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.inputs.push(entry.duration)
    }).observe({ type: 'event', durationThreshold: 16 })
  })
  for (let round = 0; round < 10; round += 1) {
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').getByRole('combobox').waitFor()
    await page.keyboard.type('st')
    await page.keyboard.press('Escape')
    await page.keyboard.press('/')
    await page.keyboard.press('j')
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.waitForTimeout(100)
  }
  const durations = await page.evaluate(() => globalThis.inputs)
  await context.close()
  // Inputs that take less than 16 ms are not reported.
  const all = [...durations, ...Array(Math.max(0, 70 - durations.length)).fill(8)]
  return quantile(all, 0.98)
}

/** The streams that twelve tabs of one browser open. */
export async function tabs(browser) {
  const context = await browser.newContext({ viewport: VIEWPORT })
  const viewers = async () => {
    const text = await (await fetch(`${BASE}/metrics`)).text()
    return Number(/^cockpit_live_viewers(?:\{.*\})? (\d+)/m.exec(text)?.[1] ?? Number.NaN)
  }
  const before = await viewers()
  const pages = []
  for (let nth = 0; nth < 12; nth += 1) {
    const page = await context.newPage()
    await page.goto(`${BASE}/now`)
    await page.waitForSelector('main h1')
    pages.push(page)
  }
  const after = await viewers()
  const answered = await Promise.all(
    pages.map((page) => page.locator('.figure .number').first().isVisible()),
  )
  await context.close()
  return { streams: after - before, shown: answered.filter(Boolean).length }
}

const ROWS = 100_000

/** A result of many rows: its first rows, and frames while it is scrolled. */
export async function rows(browser) {
  const { context, page } = await opened(browser, '/explore')
  const statement = `SELECT * FROM silver.board_result LIMIT ${ROWS}`
  await page.goto(`${BASE}/explore?q=${Buffer.from(statement).toString('base64url')}`)
  const started = Date.now()
  await page.getByRole('grid').or(page.locator('.grid')).first().waitFor({ timeout: 60_000 })
  const first_ms = Date.now() - started
  const deltas = await page.evaluate(async () => {
    const grid = document.querySelector('.grid')
    const found = []
    let last = await new Promise(requestAnimationFrame)
    for (let step = 0; step < 120; step += 1) {
      grid.scrollTop += 700
      const now = await new Promise(requestAnimationFrame)
      found.push(now - last)
      last = now
    }
    return found
  })
  await context.close()
  return { first_ms, p95_ms: quantile(deltas, 0.95) }
}

/** The server ends by SIGKILL and begins again: until the page marks its data as old, and until it is current. */
export async function linkLoss(browser, demo, restart) {
  const { context, page } = await opened(browser, '/temps')
  let reloads = 0
  page.on('load', () => (reloads += 1))
  const killed = Date.now()
  await demo.stop('SIGKILL')
  await page
    .getByText(/no data since|no response since/)
    .first()
    .waitFor({ timeout: 60_000 })
  const stale_ms = Date.now() - killed
  const again = await restart()
  const ready = Date.now()
  await page.waitForFunction(
    () => !/no data since|no response since/.test(document.body.innerText),
    null,
    { timeout: 120_000 },
  )
  const current_ms = Date.now() - ready
  await context.close()
  return { stale_ms, current_ms, reloads, demo: again }
}

const WALL = { inch: 55, metres: 5, width: 1920, height: 1080 }
/** The height of capital letters in relation to the font size of Inter. */
const CAP_OF_FONT = 0.72

/** The least and the greatest letters of the wall in minutes of arc, for a screen of 55 inches read from five metres. */
export async function wall(browser) {
  const { inch, metres, ...viewport } = WALL
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  await page.goto(`${BASE}/wall/plant?inch=${inch}&metres=${metres}`)
  await screen.settled(page)
  await page
    .locator('dt, th, .fact')
    .first()
    .waitFor({ timeout: 60_000 })
    .catch(() => {})
  const sizes = await page.evaluate(() =>
    [...document.querySelectorAll('main *')]
      .filter((one) =>
        [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()),
      )
      .filter((one) => one.checkVisibility() && !one.closest('.visually-hidden, svg'))
      .map((one) => Number.parseFloat(getComputedStyle(one).fontSize)),
  )
  await context.close()
  const pitch_mm = (inch * 25.4) / Math.hypot(viewport.width, viewport.height)
  const arc = (px) =>
    (Math.atan((px * CAP_OF_FONT * pitch_mm) / (metres * 1_000)) * 180 * 60) / Math.PI
  return { least: arc(Math.min(...sizes)), most: arc(Math.max(...sizes)) }
}

/** The least size of what can be pressed, in pixels. */
export async function targets(browser, path, viewport) {
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  await page.goto(BASE + path)
  await page.locator('main').locator('button, a').first().waitFor({ timeout: 60_000 })
  await page.waitForTimeout(2 * SECOND_MS)
  const sizes = await page.evaluate(() =>
    [...document.querySelectorAll('button, select, input, .button, .rail a, nav a, .bare a')]
      .filter((one) => one.checkVisibility() && !one.closest('[hidden]'))
      .map((one) =>
        (one.type === 'checkbox' ? (one.closest('label') ?? one) : one).getBoundingClientRect(),
      )
      .filter(({ width, height }) => width > 1 && height > 1)
      .map(({ width, height }) => Math.min(width, height)),
  )
  await context.close()
  return sizes.length ? Math.min(...sizes) : null
}
