// Starts the demo on a copy of the reference plant and tests the alarm pages in a browser.
//
//   COCKPIT=target/debug/cockpit node test/alarms.mjs [--short]
//
// With --short the pages are inspected in fewer combinations of device and colour scheme.
// Lake, user database and the copy of the plant are in a temporary folder. COCKPIT_SHOTS is a folder for
// screenshots, CHROMIUM the path of the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const START_LIMIT_MS = 180_000
const PLANT = new URL('../../plants/kerala', import.meta.url).pathname

/** The address that the demo prints once its pages can be opened. */
function addressOf(child) {
  return new Promise((done, fail) => {
    let output = ''
    const timer = setTimeout(() => fail(new Error(`no address:\n${output}`)), START_LIMIT_MS)
    const read = (bytes) => {
      output += bytes
      const [, address] = /pages\s+(http:\/\/\S+)/.exec(output) ?? []
      if (!address) return
      clearTimeout(timer)
      done(address)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.on('exit', (code) => fail(new Error(`cockpit ended with ${code}:\n${output}`)))
  })
}

async function main() {
  const program = process.env.COCKPIT
  if (!program) {
    console.error('COCKPIT is not set: expected the program.')
    process.exit(2)
  }
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-alarms-'))
  const plant = join(folder, 'plant')
  cpSync(PLANT, plant, { recursive: true })
  const child = spawn(program, ['demo', '--plant', plant, '--data', join(folder, 'data')])
  try {
    await testWith(await addressOf(child), join(plant, 'alarms.toml'))
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGTERM')
    await new Promise((done) => child.on('exit', done))
    rmSync(folder, { recursive: true, force: true })
  }
}

async function testWith(address, file) {
  process.env.COCKPIT_URL = address
  process.env.COCKPIT_ALARMS_FILE = file
  const { alarmTest } = await import('./browser/alarms.mjs')
  const { results } = await import('./browser/harness.mjs')
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    await alarmTest(browser, process.argv.includes('--short'))
  } finally {
    await browser.close()
  }
  console.log(`${results.passed} passed, ${results.failures.length} failed`)
  process.exitCode = results.failures.length > 0 ? 1 : 0
}

await main()
