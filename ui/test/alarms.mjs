// Starts the demo on a copy of the reference plant and tests the alarm pages in a browser.
//
//   COCKPIT=target/debug/cockpit node test/alarms.mjs [--short]
//
// With --short the pages are inspected in fewer combinations of device and colour scheme.
// Lake, user database and the copy of the plant are in a temporary folder. COCKPIT_SHOTS is a folder for
// screenshots, CHROMIUM the path of the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { inBrowser, PAGES, printed, programUnderTest, stopped, withPlant } from './start.mjs'

const program = programUnderTest()
await withPlant('alarms', async (folder, plant) => {
  const child = spawn(program, ['demo', '--plant', plant, '--data', join(folder, 'data')])
  try {
    process.env.COCKPIT_URL = await printed(child, PAGES)
    process.env.COCKPIT_ALARMS_FILE = join(plant, 'alarms.toml')
    const { alarmTest } = await import('./browser/alarms.mjs')
    await inBrowser((browser) => alarmTest(browser, process.argv.includes('--short')))
  } finally {
    await stopped(child)
  }
})
