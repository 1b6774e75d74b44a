// Starts the program with two providers of OpenID Connect and tests the login in a browser.
//
//   COCKPIT=target/debug/cockpit LAKE=cockpit-data node test/openid.mjs
//
// The providers are processes of tests/openid; a third one is configured and does not run. The lake is
// only read; plant and user database are in a temporary folder. CHROMIUM is the path of the browser.

import { fork, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inBrowser } from './start.mjs'

const START_LIMIT_MS = 60_000
const SECRET = 'the-secret-of-the-test-client'
const PASSWORD = 'quartz lantern orbit seventeen'
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..')

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

/** A running provider, which takes the groups of each person. */
async function startProvider(name, port, service) {
  const env = { ...process.env, OPENID_TEST_SECRET: SECRET, OPENID_TEST_NAME: name }
  const script = join(ROOT, 'tests/openid/provider.mjs')
  const child = fork(script, [String(port), service], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const reply = () =>
    new Promise((done, fail) => {
      child.once('message', done)
      child.once('exit', (code) => fail(new Error(`the provider ended with ${code}`)))
    })
  await reply()
  const setGroups = (groups) => {
    const done = reply()
    child.send(groups)
    return done
  }
  return { setGroups, stop: () => child.kill() }
}

const providerTable = (name, title, port) => `
[[openid]]
name = "${name}"
title = "${title}"
issuer = "http://127.0.0.1:${port}"
client_id = "cockpit"
client_secret = "env:OPENID_TEST_SECRET"
scopes = ["profile", "groups"]

[[openid.role]]
group = "smt"
role = "operator"
scope = "area:SMT"

[[openid.role]]
group = "lead"
role = "supervisor"
`

/** A copy of the reference plant with the providers. */
function writePlant(folder, ports) {
  const plant = join(folder, 'plant')
  cpSync(join(ROOT, 'plants/kerala'), plant, { recursive: true })
  const file = join(plant, 'plant.toml')
  const tables = [
    providerTable('company', 'Company login', ports.company),
    providerTable('partner', 'Partner login', ports.partner),
    providerTable('away', 'Login of a closed office', ports.away),
  ]
  writeFileSync(file, readFileSync(file, 'utf8') + tables.join(''))
  return plant
}

/** The environment of the program and of its commands. */
const environment = (folder) => ({
  ...process.env,
  COCKPIT_ACCESS_MODE: 'login',
  COCKPIT_ACCESS_STATE: join(folder, 'access'),
  COCKPIT_ACCESS_REQUIRE_SECOND_FACTOR: 'administrator',
  OPENID_TEST_SECRET: SECRET,
})

function runCommand(program, args, env) {
  const { status, stderr } = spawnSync(program, args, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
}

/** Starts the service and waits until it listens. */
function startService(program, args, env) {
  const child = spawn(program, args, { env })
  return new Promise((done, fail) => {
    let output = ''
    const timer = setTimeout(() => fail(new Error(`no service:\n${output}`)), START_LIMIT_MS)
    child.stderr.on('data', (bytes) => (output += bytes))
    child.stdout.on('data', (bytes) => {
      output += bytes
      if (!output.includes('serving on')) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      done({ stop: () => child.kill('SIGTERM'), log: () => output })
    })
    child.on('exit', (code) => fail(new Error(`cockpit ended with ${code}:\n${output}`)))
  })
}

async function main() {
  const { COCKPIT: program, LAKE: lake } = process.env
  if (!program || !lake) {
    console.error('COCKPIT or LAKE is not set: expected the program and a lake with data.')
    process.exit(2)
  }
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-openid-'))
  const started = []
  try {
    const [service, company, partner, away] = await Promise.all(Array.from({ length: 4 }, freePort))
    const url = `http://127.0.0.1:${service}`
    const place = ['--plant', writePlant(folder, { company, partner, away }), '--lake', lake]
    const providers = {
      company: await startProvider('company', company, url),
      partner: await startProvider('partner', partner, url),
    }
    started.push(...Object.values(providers))
    const env = environment(folder)
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, PASSWORD)
    const add = ['user', 'add', 'root', '--role', 'administrator', '--password-file', passwordFile]
    runCommand(program, [...add, ...place], env)
    const command = (...args) => runCommand(program, [...args, ...place], env)
    const serve = ['serve', '--no-ingest', '--listen', `127.0.0.1:${service}`, ...place]
    const running = await startService(program, serve, env)
    started.push(running)
    await testWith({ url, providers, command, log: running.log })
  } finally {
    for (const it of started.reverse()) it.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function testWith(site) {
  process.env.COCKPIT_URL = site.url
  const { openidTest } = await import('./browser/openid.mjs')
  await inBrowser((browser) => openidTest(browser, { ...site, password: PASSWORD, secret: SECRET }))
}

await main()
