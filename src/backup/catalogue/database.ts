/**
 * The catalogue's file: opening, migrating, transactions. Invariant: WAL with synchronous=FULL, one writer; numbered
 * migrations run once each, in one transaction, after the file was copied; a newer file is refused.
 */
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import type { Disk } from '../../base/disk.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { migrateDatabase, readSqlMigrations } from '../../config/database-migration.ts'

/** The open catalogue; statements are prepared once each. */
export class Db {
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  constructor(db: Database.Database) {
    this.#db = db
  }

  prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** All or nothing, durable when it returns. */
  commit<T>(work: () => T): T {
    return this.#db.transaction(work).immediate()
  }

  /** Gives room back to the file system when a good part of the file is free. Returns bytes. */
  compact(): number {
    const figure = (name: string): number => this.#db.pragma(name, { simple: true }) as number
    const before = figure('page_count')
    if (figure('freelist_count') > before * WORTH_COMPACTING) this.#db.exec('VACUUM')
    this.#db.pragma('wal_checkpoint(TRUNCATE)')
    return (before - figure('page_count')) * figure('page_size')
  }

  /** Rises with every row that is changed. */
  get changes(): number {
    return (this.prepare('SELECT total_changes() AS n').get() as { n: number }).n
  }

  /** Inside a commit: what is read now may never have been. */
  get inCommit(): boolean {
    return this.#db.inTransaction
  }

  close(): void {
    this.#db.close()
  }
}

/** Share of free pages. */
const WORTH_COMPACTING = 0.1

export async function openDatabase(path: string, disk: Disk): Promise<Db> {
  const migrations = await readSqlMigrations(disk, fileURLToPath(new URL('../migrations', import.meta.url)))
  let db: Database.Database | undefined
  try {
    db = new Database(path)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    await migrateDatabase(db, migrations, disk)
    return new Db(db)
  } catch (error) {
    db?.close()
    if (error instanceof PlexiError) throw error
    throw new PlexiError('STORAGE_DATABASE', { name: path, reason: toPlexiError(error).message }, { cause: error })
  }
}
