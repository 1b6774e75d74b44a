// Starts the program and the browser of a test.

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const START_LIMIT_MS = 240_000
const PLANT = new URL('../../plants/kerala', import.meta.url).pathname

/** The address of the pages, which `demo` prints with its title and `serve` with its state. */
export const PAGES = /(?:pages\s+|serving on )(http:\/\/\S+)/
/** The one-time link of a program without users. */
export const SETUP_LINK = /(https?:\/\/\S+\/setup#\S+)/

/** The first match of a pattern in what a program prints. An error if it ends before, or takes too long. */
export function printed(child, pattern) {
  return new Promise((done, fail) => {
    let output = ''
    const timer = setTimeout(() => fail(new Error(`no ${pattern}:\n${output}`)), START_LIMIT_MS)
    const read = (bytes) => {
      output += bytes
      const [, found] = pattern.exec(output) ?? []
      if (!found) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      done(found)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.on('exit', (code) => fail(new Error(`cockpit ended with ${code}:\n${output}`)))
  })
}

/** Ends a program with a signal, and waits until it has ended. */
export function stopped(child, signal = 'SIGTERM') {
  child.removeAllListeners('exit')
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  const ended = new Promise((done) => child.on('exit', done))
  child.kill(signal)
  return ended
}

/** The program under test; the test ends without it. */
export function programUnderTest() {
  const program = process.env.COCKPIT
  if (program) return program
  console.error('COCKPIT is not set: expected the program.')
  return process.exit(2)
}

/** Runs `use(folder, plant)` with a temporary folder that contains a copy of the reference plant. */
export async function withPlant(name, use) {
  const folder = mkdtempSync(join(tmpdir(), `cockpit-${name}-`))
  const plant = join(folder, 'plant')
  cpSync(PLANT, plant, { recursive: true })
  try {
    await use(folder, plant)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs a test in the browser, prints the number of checks, and sets the exit code. */
export async function inBrowser(test) {
  // Read late: the harness reads the address of the pages when it is loaded.
  const { results } = await import('./browser/harness.mjs')
  const browser = await launch()
  try {
    await test(browser)
  } finally {
    await browser.close()
  }
  console.log(`${results.passed} passed, ${results.failures.length} failed`)
  process.exitCode = results.failures.length > 0 ? 1 : 0
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
