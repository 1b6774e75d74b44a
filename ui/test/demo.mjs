// Starts the demo for a test of its pages, or uses a running service.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch, PAGES, printed, stopped } from './start.mjs'

const FIRST_RUN_MS = 240_000
const POLL_MS = 250

/** Waits until all tables of the first run are there. */
async function derived(address) {
  const end = Date.now() + FIRST_RUN_MS
  for (;;) {
    const health = await (await fetch(`${address}/api/v1/health`)).json()
    if (health.last_run?.ok) return
    if (Date.now() > end) throw new Error(`no run ended in time: ${JSON.stringify(health)}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** The demo of the program in COCKPIT, on a port; `stop` takes the signal. */
export async function startDemo(folder, port = 0) {
  const place = port ? ['--port', String(port)] : []
  const child = spawn(process.env.COCKPIT, ['demo', '--data', join(folder, 'data'), ...place])
  const address = await printed(child, PAGES)
  await derived(address)
  return { address, stop: (signal) => stopped(child, signal) }
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
