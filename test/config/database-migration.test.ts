import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { migrateDatabase } from '../../src/config/database-migration.ts'

const one = 'CREATE TABLE a (x INTEGER) STRICT;'
const two = 'ALTER TABLE a ADD COLUMN y TEXT;'

t.test('steps are applied once, with a copy before a database that holds data is changed', async (t) => {
  const path = join(t.testdir(), 'test.db')
  const database = new Database(path)
  t.teardown(() => database.close())
  migrateDatabase(database, [one])
  database.exec('INSERT INTO a VALUES (1)')
  migrateDatabase(database, [one])
  t.notOk(existsSync(`${path}.v1`))
  migrateDatabase(database, [one, two])
  t.ok(existsSync(`${path}.v1`))
  t.same(database.prepare('SELECT x, y FROM a').all(), [{ x: 1, y: null }])
  t.throws(() => migrateDatabase(database, [one]), { code: 'CONFIG_NEWER_HOME' })
})

t.test('a failing step changes nothing', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  t.throws(() => migrateDatabase(database, [one, 'nonsense']), { code: 'STORAGE_DATABASE' })
  t.equal(database.pragma('user_version', { simple: true }), 0)
  t.same(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'a'").all(), [])
})
