// Starts the demo for a test of its pages, or uses a running service.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const START_LIMIT_MS = 240_000

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

/** The demo of the program in COCKPIT, on a port; `stop` takes the signal. */
export async function startDemo(folder, port = 0) {
  const place = port ? ['--port', String(port)] : []
  const child = spawn(process.env.COCKPIT, ['demo', '--data', join(folder, 'data'), ...place])
  const address = await addressOf(child)
  child.removeAllListeners('exit')
  const stop = (signal = 'SIGTERM') => {
    const ended = new Promise((done) => child.on('exit', done))
    child.kill(signal)
    return ended
  }
  return { address, stop }
}

/** Runs `use(browser, demo, folder)` with the service at COCKPIT_URL, or with a demo of COCKPIT. */
export async function withPages(use, port = 0) {
  const { COCKPIT, COCKPIT_URL } = process.env
  if (!COCKPIT && !COCKPIT_URL) {
    console.error('COCKPIT is not set: expected the program, or an address in COCKPIT_URL.')
    process.exit(2)
  }
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-pages-'))
  const demo = COCKPIT_URL ? null : await startDemo(folder, port)
  process.env.COCKPIT_URL ??= demo.address
  const browser = await launch()
  try {
    await use(browser, demo, folder)
  } finally {
    await browser.close()
    await demo?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
