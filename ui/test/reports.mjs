// Starts the demo on a copy of the reference plant with one more report, and tests the pages of reports in a
// browser.
//
//   COCKPIT=target/debug/cockpit node test/reports.mjs
//
// Lake, user database and the copy of the plant are in a temporary folder. COCKPIT_SHOTS is a folder for
// screenshots, CHROMIUM the path of the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inBrowser, PAGES, printed, programUnderTest, stopped, withPlant } from './start.mjs'

const ROUND_LIMIT_MS = 180_000

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

/** Waits until the first round has made the tables that the reports read. */
async function refined(address) {
  const end = Date.now() + ROUND_LIMIT_MS
  while (Date.now() < end) {
    if ((await fetch(`${address}/api/v1/health`)).ok) return
    await new Promise((done) => setTimeout(done, 500))
  }
  throw new Error('the first round did not end')
}

const program = programUnderTest()
await withPlant('reports', async (folder, plant) => {
  const report = join(plant, 'reports', 'test-boards')
  mkdirSync(report, { recursive: true })
  writeFileSync(join(report, 'report.toml'), definition(join(folder, 'sent')))
  writeFileSync(join(report, 'report.typ'), TEMPLATE)
  const child = spawn(program, ['demo', '--plant', plant, '--data', join(folder, 'data')])
  try {
    process.env.COCKPIT_URL = await printed(child, PAGES)
    await refined(process.env.COCKPIT_URL)
    const { reportTest } = await import('./browser/reports.mjs')
    await inBrowser((browser) => reportTest(browser, join(folder, 'sent')))
  } finally {
    await stopped(child)
  }
})
