// The pages of the demo: the ten questions, random numbers, languages, keyboard, colours and states.
//
//   COCKPIT=target/debug/cockpit node test/pages.mjs [--short] [questions|numbers|languages|keyboard|vision|states]...

import { withPages } from './demo.mjs'

const names = process.argv.slice(2).filter((name) => !name.startsWith('--'))
const isShort = process.argv.includes('--short')

await withPages(async (browser) => {
  const { expect, results, screen } = await import('./browser/harness.mjs')
  const { DESK } = await import('./browser/looks.mjs')
  const load = (name) => import(`./browser/${name}.mjs`)
  const page = await screen.newPage(browser, { viewport: DESK, colorScheme: 'light' })
  const tests = {
    questions: async () => (await load('questions')).questionsTest(page),
    numbers: async () => (await load('numbers')).numbersTest(page),
    keyboard: async () => (await load('keyboard')).keyboardTest(page),
    vision: async () => (await load('vision')).visionTest(browser, page),
    languages: async () => (await load('languages')).languagesTest(browser, isShort),
  }
  for (const [name, run] of Object.entries(tests)) {
    if (names.length === 0 || names.includes(name)) await run()
  }
  expect.same('no page reports an error or requests another host', results.problems, [])
  if (names.length === 0 || names.includes('states'))
    await (await load('states')).statesTest(browser)
  console.log(`${results.passed} passed, ${results.failures.length} failed`)
  process.exitCode = results.failures.length > 0 ? 1 : 0
})
