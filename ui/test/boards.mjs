// Serves a copy of the reference plant, and tests its boards and their editor in a browser.
//
//   COCKPIT=target/debug/cockpit node test/boards.mjs
//
// Without LAKE, the demo makes a lake in a temporary folder; LAKE is the folder of one with simulated dumps.
// COCKPIT_SHOTS is a folder for screenshots, CHROMIUM the path of the browser, /usr/bin/chromium by default.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { inBrowser, PAGES, printed, programUnderTest, stopped, withPlant } from './start.mjs'

const program = programUnderTest()
await withPlant('boards', async (folder, plant) => {
  const lake = process.env.LAKE
  const started = lake
    ? ['serve', '--plant', plant, '--lake', lake, '--listen', '127.0.0.1:0']
    : ['demo', '--plant', plant, '--data', join(folder, 'data')]
  const child = spawn(program, started)
  try {
    process.env.COCKPIT_URL = await printed(child, PAGES)
    const { plantBoardsTest } = await import('./browser/plant-boards.mjs')
    await inBrowser((browser) => plantBoardsTest(browser, plant))
  } finally {
    await stopped(child)
  }
})
