// How fast pages are shown, and how many bytes they need.

import { BASE } from '../browser/harness.mjs'

const VIEWPORT = { width: 1366, height: 768 }
const OPENED = 20
const SHOWN_MS = 60_000
const PAGES = [
  '/now',
  '/temps',
  '/make',
  '/orders',
  '/quality',
  '/stock',
  '/alarms',
  '/reports',
  '/data',
  '/explore',
  '/board',
]

export const quantile = (values, part) => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)]
}

/** Marks the first number of the headline, as soon as it is in the page. */
const markNumber = () => {
  const watch = new MutationObserver(() => {
    const number = document.querySelector('.figure .number')
    if (!number || !/\d/.test(number.textContent)) return
    performance.mark('number')
    watch.disconnect()
  })
  watch.observe(document, { subtree: true, childList: true, characterData: true })
}

const times = () => ({
  paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  number: performance.getEntriesByName('number')[0]?.startTime,
})

/** First paint and first number of `/now`: cold, then warm; a context has a cache of its own. */
export async function paints(browser) {
  const all = []
  for (let nth = 0; nth < OPENED; nth += 1) {
    const context = await browser.newContext({ viewport: VIEWPORT })
    const page = await context.newPage()
    await page.addInitScript(markNumber)
    await page.goto(`${BASE}/now`)
    await page.waitForFunction(() => performance.getEntriesByName('number').length > 0, null, {
      timeout: SHOWN_MS,
    })
    const cold = await page.evaluate(times)
    await page.reload()
    await page.waitForFunction(() => performance.getEntriesByName('number').length > 0, null, {
      timeout: SHOWN_MS,
    })
    all.push({ cold, warm: await page.evaluate(times) })
    await context.close()
  }
  const part = (kind, name) =>
    quantile(
      all.map((one) => one[kind][name]),
      0.75,
    )
  return {
    cold_ms: part('cold', 'paint'),
    warm_ms: part('warm', 'paint'),
    number_ms: part('cold', 'number'),
    warm_number_ms: part('warm', 'number'),
  }
}

const kindOf = (url) => /\.(js|css|woff2)$/.exec(new URL(url).pathname)?.[1]

/** Bytes as sent, by page and kind. */
export async function weights(browser) {
  const found = {}
  for (const path of PAGES) {
    const context = await browser.newContext({ viewport: VIEWPORT })
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    await session.send('Network.enable')
    const urls = new Map()
    const bytes = { js: 0, css: 0, woff2: 0 }
    session.on('Network.responseReceived', ({ requestId, response }) =>
      urls.set(requestId, response.url),
    )
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const kind = urls.has(requestId) && kindOf(urls.get(requestId))
      if (kind) bytes[kind] += encodedDataLength
    })
    await page.goto(BASE + path)
    await page.waitForSelector('main h1')
    await page.waitForTimeout(1_500)
    found[path] = bytes
    await context.close()
  }
  return found
}
