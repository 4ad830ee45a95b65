/** What a backup after small changes stores, beside what the changed pages alone would take compressed. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import Database from 'better-sqlite3'
import t from 'tap'
import { DirectoryNetwork } from '../../../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../../../src/daemon/system/index.ts'
import { seededRandom } from '../../../support/seeded-random.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../../support/vault.ts'

const PAGE = 4096
const SHARD_BYTES = 2 ** 20
const ROWS = 40_000
const longAgo = new Date('2024-05-06T07:08:09Z')

t.test('after 1 % of rows changed, most of them new ones, little more than their pages is stored', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'source/chat.db')
  mkdirSync(join(dir, 'source'))
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())

  const random = seededRandom(5)
  const text = (): string => Array.from({ length: 40 }, () => `word${String(random.below(3000))}`).join(' ')
  edit(path, (database) => {
    database.exec('CREATE TABLE rows (no INTEGER PRIMARY KEY, text TEXT, picture BLOB)')
    const insert = database.prepare('INSERT INTO rows (text, picture) VALUES (?, ?)')
    for (let no = 0; no < ROWS; no++) insert.run(text(), randomBytes(600))
  })
  const before = readFileSync(path)
  await summaryOf(engine.backup({ paths: [path] }, never))

  edit(path, (database) => {
    const change = database.prepare('UPDATE rows SET text = ?, picture = ? WHERE no = ?')
    const insert = database.prepare('INSERT INTO rows (text, picture) VALUES (?, ?)')
    const changed = ROWS / 100
    for (let i = 0; i < changed; i++) {
      const no = i < changed * 0.8 ? ROWS * 0.9 + random.below(ROWS / 10) : random.below(ROWS)
      if (i % 8 === 0) insert.run(text(), randomBytes(600))
      else change.run(text(), randomBytes(600), 1 + no)
    }
  })
  const after = readFileSync(path)
  const pages: Buffer[] = []
  for (let at = 0; at < after.length; at += PAGE)
    if (!after.subarray(at, at + PAGE).equals(before.subarray(at, at + PAGE))) pages.push(after.subarray(at, at + PAGE))
  const compressed = zstdCompressSync(Buffer.concat(pages)).length
  const { storedBytes } = await summaryOf(engine.backup({ paths: [path] }, never))
  t.comment(
    `${pages.length} of ${after.length / PAGE} pages changed: ${compressed} bytes compressed, ${storedBytes} stored`,
  )
  t.ok(storedBytes >= compressed * 0.9, 'they are stored')
  // A last shard that is less than half full is packed again, whatever the size of the database.
  t.ok(storedBytes <= compressed * 1.2 + SHARD_BYTES / 2, 'and little else')
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.ok(readFileSync(join(dir, 'out/chat.db')).equals(after))
  t.equal(statSync(join(dir, 'out/chat.db')).size, after.length)
})

function edit(path: string, work: (database: Database.Database) => void): void {
  const database = new Database(path)
  database.transaction(() => work(database))()
  database.close()
  utimesSync(path, longAgo, longAgo)
}
