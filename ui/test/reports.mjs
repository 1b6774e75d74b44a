// Starts the demo on a copy of the reference plant with one more report, and tests the pages of reports in a
// browser.
//
//   COCKPIT=target/debug/cockpit node test/reports.mjs
//
// Lake, user database and the copy of the plant are in a temporary folder. COCKPIT_SHOTS is a folder for
// screenshots, CHROMIUM the path of the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const START_LIMIT_MS = 180_000
const PLANT = new URL('../../plants/kerala', import.meta.url).pathname

/** A report whose figures the test computes itself, delivered into a folder and to an address without a channel. */
const definition = (folder) => `
title = "Boards of a day"
description = "Boards by station, for the test of the pages."

[parameters.day]
kind = "day"
title = "Day"
default = "last"

[parameters.station]
kind = "text"
title = "Station"
default = ""
values = "select distinct station from gold.production_daily order by station"

[[query]]
name = "boards"
title = "Boards"
sql = """
select station, sum(actual) as boards from gold.production_daily
where day_local = :day and (:station = '' or station = :station) group by station order by station"""
[query.columns.boards]
title = "Boards"
unit = "boards"

[schedule]
after_shift = "G"
delay_min = 15
formats = ["pdf", "xlsx"]

[[send]]
kind = "folder"
location = "${folder}"

[[send]]
kind = "email"
to = ["nobody@plant.example"]
formats = ["pdf"]
`

const TEMPLATE = `
#let data = json("data.json")
#set page(paper: "a4")
= #data.title
#for row in data.queries.boards.rows [
  - #row.station: #row.boards
]
`

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
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-reports-'))
  const plant = join(folder, 'plant')
  cpSync(PLANT, plant, { recursive: true })
  const report = join(plant, 'reports', 'test-boards')
  mkdirSync(report, { recursive: true })
  writeFileSync(join(report, 'report.toml'), definition(join(folder, 'sent')))
  writeFileSync(join(report, 'report.typ'), TEMPLATE)
  const child = spawn(program, ['demo', '--plant', plant, '--data', join(folder, 'data')])
  try {
    await testWith(await addressOf(child), join(folder, 'sent'))
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGTERM')
    await new Promise((done) => child.on('exit', done))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits until the first round has made the tables that the reports read. */
async function refined(address) {
  const end = Date.now() + START_LIMIT_MS
  while (Date.now() < end) {
    if ((await fetch(`${address}/api/v1/health`)).ok) return
    await new Promise((done) => setTimeout(done, 500))
  }
  throw new Error('the first round did not end')
}

async function testWith(address, sent) {
  process.env.COCKPIT_URL = address
  await refined(address)
  const { reportTest } = await import('./browser/reports.mjs')
  const { results } = await import('./browser/harness.mjs')
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    await reportTest(browser, sent)
  } finally {
    await browser.close()
  }
  console.log(`${results.passed} passed, ${results.failures.length} failed`)
  process.exitCode = results.failures.length > 0 ? 1 : 0
}

await main()
