// Reads a table of PostgreSQL, and tests the sources on the data page in a browser: while they work, after the server
// was killed, and after it runs again.
//
//   COCKPIT=target/debug/cockpit node test/sources.mjs
//
// COCKPIT_SHOTS is a folder for screenshots, CHROMIUM the path of the browser, /usr/bin/chromium by default.

import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inBrowser, PAGES, printed, programUnderTest, stopped } from './start.mjs'

const SERVERS = '/usr/lib/postgresql'
const START_LIMIT_MS = 60_000
const ROWS = 1_200

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

const idOf = (flag) => Number(execFileSync('id', [flag, 'postgres']).toString())

/** A PostgreSQL server, which runs as the user of its package. */
class Database {
  constructor(folder, port) {
    this.owner = { uid: idOf('-u'), gid: idOf('-g'), cwd: '/tmp' }
    this.bin = join(SERVERS, readdirSync(SERVERS).sort().at(-1), 'bin')
    this.folder = folder
    this.port = port
    mkdirSync(folder)
    chownSync(folder, this.owner.uid, this.owner.gid)
    const data = ['-D', join(folder, 'data'), '-U', 'cockpit', '-A', 'trust', '-E', 'UTF8']
    execFileSync(join(this.bin, 'initdb'), data, this.owner)
  }

  url() {
    return `postgresql://cockpit@127.0.0.1:${this.port}/postgres`
  }

  async start() {
    const args = [
      '-D',
      join(this.folder, 'data'),
      '-p',
      String(this.port),
      '-k',
      this.folder,
      '-h',
      '127.0.0.1',
    ]
    this.process = spawn(join(this.bin, 'postgres'), args, { ...this.owner, stdio: 'ignore' })
    const end = Date.now() + START_LIMIT_MS
    while (!this.answers()) {
      if (Date.now() > end) throw new Error('PostgreSQL does not start')
      await new Promise((done) => setTimeout(done, 100))
    }
  }

  answers() {
    try {
      this.sql('SELECT 1')
      return true
    } catch {
      return false
    }
  }

  sql(text) {
    const to = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'cockpit', 'postgres']
    execFileSync(join(this.bin, 'psql'), ['-qX', '-v', 'ON_ERROR_STOP=1', ...to], {
      input: text,
      stdio: 'pipe',
    })
  }

  kill() {
    return this.process ? stopped(this.process, 'SIGKILL') : Promise.resolve()
  }
}

function contract(url) {
  return `description = "Work orders."
source = "mes"
columns = [
    { name = "id", type = "int", required = true },
    { name = "item", type = "text" },
]

[sql]
url = "${url}"
table = "work_order"
key = ["id"]
every = "1 s"
`
}

const SILVER = `-- Work orders.
--
-- key: id
-- column id [1]: Number.
-- column item: Item.
SELECT id, item FROM typed.work_order
`

function writePlant(folder, url) {
  for (const layer of ['bronze', 'silver']) mkdirSync(join(folder, layer), { recursive: true })
  const limits = '[limits]\npull_retry_max_s = 2\n'
  writeFileSync(join(folder, 'plant.toml'), `name = "Sources"\nzone = "Asia/Kolkata"\n\n${limits}`)
  writeFileSync(join(folder, 'bronze', 'work_order.toml'), contract(url))
  writeFileSync(join(folder, 'silver', 'work_order.sql'), SILVER)
}

async function main() {
  const program = programUnderTest()
  const folder = mkdtempSync(join(tmpdir(), 'cockpit-sources-'))
  chmodSync(folder, 0o755)
  const database = new Database(join(folder, 'postgres'), await freePort())
  let child
  try {
    await database.start()
    database.sql(
      "CREATE TABLE work_order (id bigint PRIMARY KEY, item text); INSERT INTO work_order SELECT n, 'I-' || n " +
        `FROM generate_series(1, ${ROWS}) AS n;`,
    )
    const [plant, lake] = [join(folder, 'plant'), join(folder, 'lake')]
    writePlant(plant, database.url())
    child = spawn(program, ['serve', '--plant', plant, '--lake', lake, '--listen', '127.0.0.1:0'])
    process.env.COCKPIT_URL = await printed(child, PAGES)
    const { sourcesTest } = await import('./browser/sources.mjs')
    await inBrowser((browser) => sourcesTest(browser, database, ROWS))
  } finally {
    if (child) await stopped(child)
    await database.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
