// Starts the program with login on an empty user database and tests login, roles and settings in a browser.
//
//   COCKPIT=target/debug/cockpit LAKE=cockpit-data node test/access.mjs
//
// The lake is only read; the user database is created in a temporary folder. CHROMIUM is the path of
// the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
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

/** Starts `cockpit serve`; resolves with the process and the one-time link that it prints. */
function start(program, lake, listen) {
  const args = ['serve', '--no-ingest', '--listen', listen, '--lake', lake]
  const child = spawn(program, args, { env: { ...process.env, COCKPIT_ACCESS_MODE: 'login' } })
  return new Promise((done, fail) => {
    let output = ''
    const timer = setTimeout(() => fail(new Error(`no one-time link:\n${output}`)), START_LIMIT_MS)
    const read = (bytes) => {
      output += bytes
      const [link] = /https?:\/\/\S+\/setup#\S+/.exec(output) ?? []
      if (!link) return
      clearTimeout(timer)
      done({ child, link })
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
  // A link, because the user database is created beside the lake.
  symlinkSync(resolve(lake), join(folder, 'lake'))
  const listen = `127.0.0.1:${await freePort()}`
  const { child, link } = await start(program, join(folder, 'lake'), listen)
  process.env.COCKPIT_URL = new URL(link).origin
  process.env.COCKPIT_SETUP_LINK = link
  const [{ accessTest }, { results }] = await Promise.all([
    import('./browser/access.mjs'),
    import('./browser/harness.mjs'),
  ])
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    await accessTest(browser)
  } finally {
    await browser.close()
    child.removeAllListeners('exit')
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`${results.passed} passed, ${results.failures.length} failed`)
  process.exit(results.failures.length > 0 ? 1 : 0)
}

await main()
