import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Catalogue } from '../../../src/backup/catalogue/catalogue.ts'
import { migrateDatabase, readSqlMigrations } from '../../../src/config/database-migration.ts'
import { systemDisk } from '../../../src/daemon/system/index.ts'
import { shardId } from '../../../src/shard/index.ts'

const migrations = await readSqlMigrations(
  systemDisk,
  fileURLToPath(new URL('../../../src/backup/migrations', import.meta.url)),
)
const [id, parity] = [shardId(Buffer.alloc(32, 1)), shardId(Buffer.alloc(32, 2))]
const prefixes = Buffer.concat([Buffer.alloc(16, 3), Buffer.alloc(16, 4)])

t.test('the prefixes of chunks are found again in the catalogue of an older program, and a copy is kept', async (t) => {
  const path = join(t.testdir(), 'catalog.db')
  const old = new Database(path)
  await migrateDatabase(old, migrations.slice(0, 6), systemDisk)
  const insert = old.prepare('INSERT INTO shards VALUES (?, ?, ?, 1, 1, 5, ?, NULL, NULL, 1, 0)')
  insert.run(1, id, 0, prefixes)
  insert.run(2, parity, 1, Buffer.alloc(0))
  old.close()

  const { shards } = await opened(t, path)
  t.same(Buffer.from(shards.prefixes(1)), prefixes)
  t.equal(shards.prefixes(2).length, 0)
  t.match(shards.find(id), { no: 1, kind: 1, usedBytes: 5, parity: false, inOutbox: true })
  t.match(shards.find(parity), { no: 2, parity: true })
  t.same(shards.extent(), { chunks: 2, maxShard: 2 })
  t.ok(existsSync(`${path}.v6`))
})

t.test('what a shard holds is set, replaced and given up', async (t) => {
  const { shards } = await opened(t, join(t.testdir(), 'catalog.db'))
  const body = { parity: false, kind: 0, epoch: 0, usedBytes: 0, prefixes: new Uint8Array(0), inOutbox: true }
  const no = shards.add({ ...body, id })
  t.match(shards.packed('live', 0, 10), [{ no, prefixes: { length: 0 } }])
  t.equal(shards.add({ ...body, id, prefixes }), no)
  t.same(Buffer.from(shards.prefixes(no)), prefixes)
  shards.setPrefixes(no, { kind: 2, epoch: 1, prefixes: prefixes.subarray(0, 16) })
  t.same(Buffer.from(shards.packed('live', 0, 10)[0]?.prefixes ?? []), prefixes.subarray(0, 16))
  t.same(shards.extent(), { chunks: 1, maxShard: no })
  shards.clearPrefixes(no)
  t.equal(shards.prefixes(no).length, 0)
  t.match(shards.get(no), { no, kind: 2, epoch: 1 })
})

async function opened(t: Test, path: string): Promise<Catalogue> {
  const catalogue = await Catalogue.open(path, systemDisk)
  t.teardown(() => {
    catalogue.close()
  })
  return catalogue
}
