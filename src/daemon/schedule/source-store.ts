/** Sources and policies in `jobs.db`. Synchronous and durable. */
import type { Database } from 'better-sqlite3'
import type { Policy, SourceDefinition } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'

/** Something that is backed up again and again, under a name. */
export interface SourceRow {
  readonly name: string
  readonly definition: SourceDefinition
  /** Milliseconds since 1970. */
  readonly created: number
}

interface RawSource {
  readonly name: string
  readonly definition: string
  readonly created: number
}

export class SourceStore {
  readonly #database: Database
  /** What later versions add to a definition gets its default. */
  readonly #read: (stored: unknown) => SourceDefinition

  constructor(database: Database, read: (stored: unknown) => SourceDefinition) {
    this.#database = database
    this.#read = read
  }

  /** By name. */
  list(): SourceRow[] {
    return (this.#database.prepare('SELECT * FROM sources ORDER BY name').all() as RawSource[]).map((raw) =>
      this.#row(raw),
    )
  }

  find(name: string): SourceRow | undefined {
    const raw = this.#database.prepare('SELECT * FROM sources WHERE name = ?').get(name) as RawSource | undefined
    return raw === undefined ? undefined : this.#row(raw)
  }

  /** Throws `STORAGE_SOURCE_NOT_FOUND`. */
  get(name: string): SourceRow {
    const found = this.find(name)
    if (found === undefined) throw new PlexiError('STORAGE_SOURCE_NOT_FOUND', { source: name })
    return found
  }

  /** A definition takes the place of the one before; its schedules and policy stay. */
  put({ name, definition, created }: SourceRow): void {
    this.#database
      .prepare(
        `INSERT INTO sources (name, definition, created) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET definition = excluded.definition`,
      )
      .run(name, JSON.stringify(definition), created)
  }

  /** With its schedules and its policy. Snapshots stay. */
  remove(name: string): void {
    this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM sources WHERE name = ?').run(name)
      this.#database.prepare('DELETE FROM policies WHERE scope = ?').run(name)
    })()
  }

  /** Empty where nothing was said about it. */
  policy(scope: string): Policy {
    const raw = this.#database.prepare('SELECT policy FROM policies WHERE scope = ?').pluck().get(scope)
    return raw === undefined ? {} : (JSON.parse(raw as string) as Policy)
  }

  setPolicy(scope: string, policy: Policy): void {
    this.#database
      .prepare('INSERT INTO policies (scope, policy) VALUES (?, ?) ON CONFLICT DO UPDATE SET policy = excluded.policy')
      .run(scope, JSON.stringify(policy))
  }

  #row({ name, definition, created }: RawSource): SourceRow {
    return { name, created, definition: this.#read(JSON.parse(definition)) }
  }
}
