// Serves a copy of the reference plant, and tests its boards and their editor in a browser.
//
//   COCKPIT=target/debug/cockpit node test/boards.mjs
//
// Without LAKE, the demo makes a lake in a temporary folder; LAKE is the folder of one with simulated dumps.
// COCKPIT_SHOTS is a folder for screenshots, CHROMIUM the path of the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const START_LIMIT_MS = 180_000
const PLANT = new URL('../../plants/kerala', import.meta.url).pathname
const ANY_PORT = '127.0.0.1:0'

/** The address that the program prints once its pages can be opened. */
function addressOf(child) {
  return new Promise((done, fail) => {
    let output = ''
    const timer = setTimeout(() => fail(new Error(`no address:\n${output}`)), START_LIMIT_MS)
    const read = (bytes) => {
      output += bytes
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
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
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-boards-'))
  const plant = join(folder, 'plant')
  cpSync(PLANT, plant, { recursive: true })
  const lake = process.env.LAKE
  const started = lake
    ? ['serve', '--plant', plant, '--lake', lake, '--listen', ANY_PORT]
    : ['demo', '--plant', plant, '--data', join(folder, 'data')]
  const child = spawn(program, started)
  try {
    process.env.COCKPIT_URL = await addressOf(child)
    await test(plant)
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGTERM')
    await new Promise((done) => child.on('exit', done))
    rmSync(folder, { recursive: true, force: true })
  }
}

async function test(plant) {
  const { plantBoardsTest } = await import('./browser/plant-boards.mjs')
  const { results } = await import('./browser/harness.mjs')
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    await plantBoardsTest(browser, plant)
  } finally {
    await browser.close()
  }
  console.log(`${results.passed} passed, ${results.failures.length} failed`)
  process.exitCode = results.failures.length > 0 ? 1 : 0
}

await main()
