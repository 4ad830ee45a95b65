import Database from 'better-sqlite3'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { migrateDatabase } from '../../src/config/database-migration.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'

const one = 'CREATE TABLE a (x INTEGER) STRICT;'
const two = 'ALTER TABLE a ADD COLUMN y TEXT;'

t.test('steps are applied once, with a copy before a database that holds data is changed', async (t) => {
  const path = join(t.testdir(), 'test.db')
  const database = new Database(path)
  t.teardown(() => database.close())
  await migrateDatabase(database, [one], systemDisk)
  database.exec('INSERT INTO a VALUES (1)')
  await migrateDatabase(database, [one], systemDisk)
  t.notOk(existsSync(`${path}.v1`))
  writeFileSync(`${path}.v1.unfinished`, 'of an attempt that was cut off')
  await migrateDatabase(database, [one, two], systemDisk)
  t.notOk(existsSync(`${path}.v1.unfinished`))
  const copy = new Database(`${path}.v1`, { readonly: true })
  t.teardown(() => copy.close())
  t.same(copy.prepare('SELECT * FROM a').all(), [{ x: 1 }])
  t.same(database.prepare('SELECT x, y FROM a').all(), [{ x: 1, y: null }])
  await t.rejects(migrateDatabase(database, [one], systemDisk), { code: 'CONFIG_NEWER_HOME' })
})

t.test('of the copies the newest is kept, once the steps succeeded', async (t) => {
  const path = join(t.testdir({ 'test.db.v0': '', 'test.db.vain': '', 'other.db.v1': '' }), 'test.db')
  const copies = (): string[] => readdirSync(dirname(path)).filter((name) => name.includes('.v'))
  const others = ['other.db.v1', 'test.db.v0', 'test.db.vain']
  const database = new Database(path)
  t.teardown(() => database.close())
  const three = 'ALTER TABLE a ADD COLUMN z TEXT;'
  await migrateDatabase(database, [one], systemDisk)
  await migrateDatabase(database, [one, two], systemDisk)
  await t.rejects(migrateDatabase(database, [one, two, 'nonsense'], systemDisk), { code: 'STORAGE_DATABASE' })
  t.same(copies().sort(), [...others, 'test.db.v1', 'test.db.v2'].sort())
  await migrateDatabase(database, [one, two, three], systemDisk)
  t.same(copies().sort(), [...others, 'test.db.v2'].sort())
})

t.test('a failing step changes nothing', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  await t.rejects(migrateDatabase(database, [one, 'nonsense'], systemDisk), { code: 'STORAGE_DATABASE' })
  t.equal(database.pragma('user_version', { simple: true }), 0)
  t.same(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'a'").all(), [])
})
