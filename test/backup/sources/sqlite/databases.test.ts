/** Databases in whole backups: live ones with a real writer, quiet ones, ones that are none. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import t from 'tap'
import { DirectoryNetwork, type BackupEngine, type BackupRequest, type Note } from '../../../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../../../src/daemon/system/index.ts'
import type { Disk } from '../../../../src/base/disk.ts'
import { copyOnline } from '../../../../src/backup/sources/sqlite/online-copy.ts'
import { collect, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../../support/vault.ts'

const longAgo = new Date('2024-05-06T07:08:09Z')

interface Bench {
  readonly dir: string
  readonly source: string
  readonly engine: BackupEngine
}

async function bench(t: { teardown(work: () => Promise<void>): void }, disk?: Disk): Promise<Bench> {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const setup = { keys: newVault().keys, home: join(dir, 'home'), network, ...(disk === undefined ? {} : { disk }) }
  const engine = await openEngine(setup)
  t.teardown(() => engine.close())
  return { dir, source, engine }
}

/** 4 KiB pages, about `rows` × 470 bytes. */
function makeDatabase(path: string, rows: number): Database.Database {
  const database = new Database(path)
  database.exec('CREATE TABLE rows (no INTEGER PRIMARY KEY, text TEXT)')
  const insert = database.prepare('INSERT INTO rows (text) VALUES (?)')
  database.transaction(() => {
    for (let no = 0; no < rows; no++) insert.run(randomBytes(200).toString('hex'))
  })()
  return database
}

async function backup(engine: BackupEngine, request: BackupRequest) {
  const events = await collect(engine.backup(request, never))
  const notes = events.filter((event): event is Note => event.type === 'note')
  return { summary: await summaryOf(toAsync(events)), notes }
}

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item
}

function checkRows(path: string): { rows: number; first: number; last: number } {
  const database = new Database(path, { readonly: true })
  try {
    const [{ integrity_check: verdict }] = database.pragma('integrity_check') as [{ integrity_check: string }]
    if (verdict !== 'ok') throw new Error(verdict)
    const sql = 'SELECT count(*) rows, min(no) first, max(no) last FROM rows'
    return database.prepare(sql).get() as { rows: number; first: number; last: number }
  } finally {
    database.close()
  }
}

for (const mode of ['WAL', 'DELETE']) {
  t.test(`a database written to all the time (${mode}): every row committed before is there`, async (t) => {
    const { dir, source, engine } = await bench(t)
    const path = join(source, 'live.db')
    makeDatabase(path, 6000).close()
    const child = spawn(process.execPath, [join(import.meta.dirname, 'row-writer-child.ts'), path, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let committed = 0
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => (committed = Number(line)))
    const moved = async (): Promise<void> => {
      const seen = committed
      while (committed < seen + 5) await once(lines, 'line')
    }
    for (let round = 0; round < 2; round++) {
      await moved()
      const before = committed
      const { summary, notes } = await backup(engine, { paths: [source] })
      t.match(summary, { skipped: [], files: 1 }, 'nothing is missing, the companions are no files of their own')
      t.same(notes, [])
      const out = join(dir, `out${round}`)
      t.match((await summaryOf(engine.restore({ snapshot: 'latest', to: out }, never))).failed, [])
      t.same(readdirSync(join(out, 'source')), ['live.db'])
      const { rows, first, last } = checkRows(join(out, 'source/live.db'))
      t.ok(last >= before, `row ${before} was committed before; the copy ends with ${last}`)
      t.equal(rows, last - first + 1, 'no row is missing')
      t.ok(committed > before, 'the writer went on meanwhile')
      if (round > 0) t.ok(summary.newBytes < statSync(path).size / 2, 'only changed pages are stored')
    }
    t.same(readdirSync(join(dir, 'home/cache')), [], 'no copy is left')
  })
}

t.test('a quiet database is stored as it is, byte by byte; changed rows cost their pages', async (t) => {
  const { dir, source, engine } = await bench(t)
  const path = join(source, 'quiet.db')
  const database = makeDatabase(path, 40_000)
  database.close()
  utimesSync(path, longAgo, longAgo)
  const size = statSync(path).size
  const first = await backup(engine, { paths: [source] })
  t.match(first.summary, { skipped: [], bytes: size })

  const again = new Database(path)
  const change = again.prepare('UPDATE rows SET text = ? WHERE no = ?')
  again.transaction(() => {
    for (let i = 0; i < 50; i++) change.run(randomBytes(200).toString('hex'), 1 + i * 800)
  })()
  again.close()
  utimesSync(path, longAgo, longAgo)
  const second = await backup(engine, { paths: [source] })
  t.ok(
    second.summary.newBytes > 50 * 4096 && second.summary.newBytes < 52 * 4096 + 100_000,
    String(second.summary.newBytes),
  )

  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  const restored = join(dir, 'out/source/quiet.db')
  t.ok(readFileSync(restored).equals(readFileSync(path)))
  t.equal(Math.floor(statSync(restored).mtimeMs), longAgo.getTime())
  t.same(readdirSync(source), ['quiet.db'], 'nothing was made beside it')
  const third = await backup(engine, { paths: [source] })
  t.ok(third.summary.newBytes < 64 * 1024, 'unchanged pages cost nothing')
})

t.test('rows that lie in the log alone are in the copy, of small databases too', async (t) => {
  const { dir, source, engine } = await bench(t)
  const path = join(source, 'small.db')
  const database = new Database(path)
  t.teardown(() => database.close())
  database.pragma('journal_mode = WAL')
  database.exec('CREATE TABLE rows (no INTEGER PRIMARY KEY, text TEXT)')
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.exec(`INSERT INTO rows VALUES (1, 'only in the log')`)
  t.ok(statSync(path).size <= 8192 && statSync(`${path}-wal`).size > 0)
  writeFileSync(join(source, 'small.db-wal.txt'), 'not a companion')
  await backup(engine, { paths: [source] })
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.same(readdirSync(join(dir, 'out/source')).toSorted(), ['small.db', 'small.db-wal.txt'])
  t.same(checkRows(join(dir, 'out/source/small.db')), { rows: 1, first: 1, last: 1 })
})

t.test('what has the magic and is no database is an ordinary file, companions included, with a note', async (t) => {
  const { dir, source, engine } = await bench(t)
  const path = join(source, 'broken.db')
  makeDatabase(path, 2000).close()
  const bytes = readFileSync(path)
  randomBytes(50_000).copy(bytes, 100)
  writeFileSync(path, bytes)
  writeFileSync(`${path}-journal`, 'what is left of something')
  const { summary, notes } = await backup(engine, { paths: [source] })
  t.match(summary, { files: 2, skipped: [] })
  t.match(notes, [{ path, message: /cannot be opened/ }])
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.same(readdirSync(join(dir, 'out/source')).toSorted(), ['broken.db', 'broken.db-journal'])
  t.ok(readFileSync(join(dir, 'out/source/broken.db')).equals(bytes))
})

t.test('a database asked for by name must be one', async (t) => {
  const { dir, source, engine } = await bench(t)
  const path = join(source, 'named.db')
  makeDatabase(path, 10).close()
  const { summary } = await backup(engine, { databases: [path] })
  t.match(summary, { files: 1 })
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.equal(checkRows(join(dir, 'out/named.db')).rows, 10)
  const text = join(source, 'text.db')
  writeFileSync(text, 'x'.repeat(1000))
  await t.rejects(backup(engine, { databases: [text] }), { code: 'STORAGE_SOURCE_UNREADABLE', details: { path: text } })
})

t.test('a database that stays locked is said to be, after a bounded wait; nothing counts as its copy', async (t) => {
  const dir = await temporaryDirectory(t)
  const [path, to] = [join(dir, 'locked.db'), join(dir, 'copy')]
  const holder = makeDatabase(path, 100)
  t.teardown(() => holder.close())
  holder.exec('BEGIN EXCLUSIVE')
  t.match(await copyOnline(Buffer.from(path), to, { signal: never, lockedWaitMs: 20 }), {
    ok: false,
    code: 'SQLITE_BUSY',
  })
  holder.exec('COMMIT')
  t.same(await copyOnline(Buffer.from(path), to, { signal: never, lockedWaitMs: 20 }), { ok: true })
  t.equal(checkRows(to).rows, 100)
})

t.test('a database somebody writes to while it is read in place is copied after all', async (t) => {
  const { dir, source, engine } = await bench(t, meddling())
  const path = join(source, 'busy.db')
  makeDatabase(path, 3000).close()
  utimesSync(path, longAgo, longAgo)
  const { summary } = await backup(engine, { paths: [source] })
  t.match(summary, { skipped: [], files: 1 })
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.equal(checkRows(join(dir, 'out/source/busy.db')).rows, 3001)

  /** Adds a row once the database is being read. */
  function meddling(): Disk {
    let done = false
    return {
      ...systemDisk,
      async open(of, how, mode) {
        const file = await systemDisk.open(of, how, mode)
        if (!String(of).endsWith('/busy.db')) return file
        return {
          ...file,
          async read(into, position) {
            if (!done && into.length > 4096) {
              done = true
              const database = new Database(path)
              database.exec(`INSERT INTO rows (text) VALUES ('late')`)
              database.close()
            }
            return file.read(into, position)
          },
        }
      },
    }
  }
})

t.test('without room for a copy the database is named as unread, and the rest is backed up', async (t) => {
  const full: Disk = { ...systemDisk, space: async (path) => ({ ...(await systemDisk.space(path)), ...room(path) }) }
  function room(path: string): object {
    return path.endsWith('/cache') ? { freeBytes: 1000 } : {}
  }
  const { source, engine } = await bench(t, full)
  const path = join(source, 'live.db')
  const database = makeDatabase(path, 1000)
  database.pragma('journal_mode = WAL')
  database.exec(`INSERT INTO rows (text) VALUES ('x')`)
  t.teardown(() => database.close())
  writeFileSync(join(source, 'other'), 'other')
  const { summary } = await backup(engine, { paths: [source] })
  t.match(summary.skipped, [{ path, reason: /a copy of it needs 6[4-9] MiB/ }])
})

t.test('copies that a crash left behind go when the engine opens; other files of the cache stay', async (t) => {
  const { dir, engine } = await bench(t)
  await engine.close()
  const cache = join(dir, 'home/cache')
  for (const name of ['database-0123456789abcdef', 'database-0123456789abcdef-journal', 'something-else'])
    writeFileSync(join(cache, name), '')
  await engine.open()
  t.same(readdirSync(cache), ['something-else'])
})

t.test('a dry run stores nothing and learns nothing', async (t) => {
  const { source, engine } = await bench(t)
  const path = join(source, 'quiet.db')
  makeDatabase(path, 3000).close()
  utimesSync(path, longAgo, longAgo)
  const size = statSync(path).size
  const estimates = [
    await backup(engine, { paths: [source], dryRun: true }),
    await backup(engine, { paths: [source], dryRun: true }),
  ]
  for (const { summary } of estimates) t.ok(summary.newBytes >= size && summary.newBytes < size + 65_536)
  await backup(engine, { paths: [source] })
  copyFileSync(path, join(source, 'second.db'))
  utimesSync(join(source, 'second.db'), longAgo, longAgo)
  const { summary } = await backup(engine, { paths: [source] })
  t.ok(summary.newBytes < 100_000, 'the same pages under another name are known')
  appendFileSync(path, Buffer.alloc(100, 1))
  utimesSync(path, longAgo, longAgo)
  t.match((await backup(engine, { paths: [source] })).summary, { skipped: [] })
})
