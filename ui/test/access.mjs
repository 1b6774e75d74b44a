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
import { inBrowser, printed, SETUP_LINK, stopped } from './start.mjs'

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

async function main() {
  const { COCKPIT: program, LAKE: lake } = process.env
  if (!program || !lake) {
    console.error('COCKPIT or LAKE is not set: expected the program and a lake with data.')
    process.exit(2)
  }
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-access-'))
  const child = start(program, lake, `127.0.0.1:${await freePort()}`, folder)
  try {
    await testWith(await printed(child, SETUP_LINK))
  } finally {
    await stopped(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function testWith(link) {
  process.env.COCKPIT_URL = new URL(link).origin
  process.env.COCKPIT_SETUP_LINK = link
  const { accessTest } = await import('./browser/access.mjs')
  await inBrowser(accessTest)
}

await main()
