// Shows the alarms of a running cockpit in a browser, and reports when each raised alarm arrived as an event and when
// it was painted. Used by tests/oracle/bench_alarms.py.
//
//   COCKPIT_URL=http://127.0.0.1:8080 node test/alarm_latency.mjs
//
// Prints `ready`, waits for the end of standard input, and prints {received, painted}: milliseconds since 1970 by
// object. CHROMIUM is the path of the browser.

import { chromium } from 'playwright-core'

/** Runs in the page. Times have the resolution of `performance.now()`, which is below a millisecond. */
function observe() {
  const times = { received: {}, painted: {} }
  const now = () => performance.timeOrigin + performance.now()
  const source = new EventSource('/api/v1/live?topics=alarms')
  source.addEventListener('alarm', (event) => {
    const at = now()
    const { transition, alarm } = JSON.parse(event.data)
    if (transition === 'raised') times.received[alarm.object] ??= at
  })
  const note = (row) => {
    const object = row.dataset.row.slice(row.dataset.row.indexOf('/') + 1)
    if (object in times.painted) return
    times.painted[object] = null
    requestAnimationFrame(() => {
      // The task after the callbacks of a frame runs once the frame is painted.
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        times.painted[object] = now()
      }
      port2.postMessage(null)
    })
  }
  const look = () => document.querySelectorAll('tr[data-row]').forEach(note)
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true })
  window.alarmTimes = times
  return new Promise((done) => source.addEventListener('hello', () => done()))
}

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
  await page.goto(`${process.env.COCKPIT_URL}/alarms?group=none`)
  await page.waitForSelector('.queue')
  await page.evaluate(observe)
  console.log('ready')
  process.stdin.resume()
  await new Promise((done) => process.stdin.once('data', done).once('end', done))
  console.log(JSON.stringify(await page.evaluate(() => window.alarmTimes)))
  await browser.close()
}

await main()
process.exit(0)
