// Starts the program with login on an empty user database and tests login, roles and settings in a browser.
//
//   COCKPIT=target/debug/cockpit LAKE=cockpit-data node test/access.mjs
//
// The lake is only read; the user database is created in a temporary folder. CHROMIUM is the path of
// the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const START_LIMIT_MS = 60_000

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

/** Starts `cockpit serve` with a user database in a folder. */
function start(program, lake, listen, folder) {
  const args = ['serve', '--no-ingest', '--listen', listen, '--lake', lake]
  const settings = { COCKPIT_ACCESS_MODE: 'login', COCKPIT_ACCESS_STATE: folder }
  return spawn(program, args, { env: { ...process.env, ...settings } })
}

/** The one-time link that a program prints. */
function linkOf(child) {
  return new Promise((done, fail) => {
    let output = ''
    const timer = setTimeout(() => fail(new Error(`no one-time link:\n${output}`)), START_LIMIT_MS)
    const read = (bytes) => {
      output += bytes
      const [link] = /https?:\/\/\S+\/setup#\S+/.exec(output) ?? []
      if (!link) return
      clearTimeout(timer)
      done(link)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.on('exit', (code) => fail(new Error(`cockpit ended with ${code}:\n${output}`)))
  })
}

async function main() {
  const { COCKPIT: program, LAKE: lake } = process.env
  if (!program || !lake) {
    console.error('COCKPIT or LAKE is not set: expected the program and a lake with data.')
    process.exit(2)
  }
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-access-'))
  const child = start(program, lake, `127.0.0.1:${await freePort()}`, folder)
  try {
    await testWith(await linkOf(child))
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
}

async function testWith(link) {
  process.env.COCKPIT_URL = new URL(link).origin
  process.env.COCKPIT_SETUP_LINK = link
  const { accessTest } = await import('./browser/access.mjs')
  const { results } = await import('./browser/harness.mjs')
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    await accessTest(browser)
  } finally {
    await browser.close()
  }
  console.log(`${results.passed} passed, ${results.failures.length} failed`)
  process.exitCode = results.failures.length > 0 ? 1 : 0
}

await main()
