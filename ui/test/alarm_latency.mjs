// Shows the alarms of a running cockpit in a browser, and reports when each raised alarm arrived as an event and when
// it was painted. Used by tests/oracle/bench_alarms.py.
//
//   COCKPIT_URL=http://127.0.0.1:8080 node test/alarm_latency.mjs
//
// Prints `ready`, waits for the end of standard input, and prints {received, painted}: milliseconds since 1970 by
// object. CHROMIUM is the path of the browser.

import { launch } from './start.mjs'

/** Runs in a page without content, so that nothing else delays the events. */
function receive() {
  const received = {}
  window.times = received
  const source = new EventSource('/api/v1/live?topics=alarms')
  source.addEventListener('alarm', (event) => {
    const at = performance.timeOrigin + performance.now()
    const { transition, alarm } = JSON.parse(event.data)
    if (transition === 'raised') received[alarm.object] ??= at
  })
  return new Promise((done) => source.addEventListener('hello', () => done()))
}

/** Runs in the page with the alarms. */
function watchRows() {
  const painted = {}
  window.times = painted
  const note = (row) => {
    const object = row.dataset.row.slice(row.dataset.row.indexOf('/') + 1)
    if (object in painted) return
    painted[object] = null
    requestAnimationFrame(() => {
      // The task after the callbacks of a frame runs once the frame is painted.
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        painted[object] = performance.timeOrigin + performance.now()
      }
      port2.postMessage(null)
    })
  }
  const look = () => document.querySelectorAll('tr[data-row]').forEach(note)
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true })
}

async function openEmpty(browser, origin) {
  const page = await browser.newPage()
  const address = `${origin}/empty`
  await page.route(address, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  )
  await page.goto(address)
  await page.evaluate(receive)
  return page
}

async function openAlarms(browser, origin) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
  await page.goto(`${origin}/alarms?group=none`)
  await page.waitForSelector('.queue')
  await page.evaluate(watchRows)
  return page
}

async function main() {
  const origin = process.env.COCKPIT_URL
  const browser = await launch()
  const [events, alarms] = [await openEmpty(browser, origin), await openAlarms(browser, origin)]
  console.log('ready')
  process.stdin.resume()
  await new Promise((done) => process.stdin.once('data', done).once('end', done))
  const times = (page) => page.evaluate(() => window.times)
  console.log(JSON.stringify({ received: await times(events), painted: await times(alarms) }))
  await browser.close()
}

await main()
process.exit(0)
