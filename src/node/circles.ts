/**
 * Circles this node knows how to enter: the public `main` and private ones with a random id and an optional pre-shared
 * key (docs/spec/06-dht-records.md, circles). A node is in one circle at a time; which one is the daemon's setting.
 */
import { fromHex, toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import type { PeersDatabase } from './peers/database.ts'

export const MAIN_CIRCLE = 'main'
const MAX_CIRCLES = 256
const MAX_BOOTSTRAP = 8
const MAX_NAME_CHARS = 64

interface Row {
  readonly id: string
  readonly name: string
  readonly key: string | null
  readonly joined: number
  readonly bootstrap: string
  readonly pending: string | null
}

export interface Circle {
  readonly id: string
  /** For people; empty without one. */
  readonly name: string
  readonly key?: Uint8Array
  /** Milliseconds since 1970. */
  readonly joined: number
  /** Addresses of members, learned when joining. */
  readonly bootstrap: readonly string[]
  /** An invite to present once the node is in this circle. */
  readonly pending?: string
}

/** What may name a circle: it becomes part of protocol names. */
export function checkCircleName(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    throw new PlexiError('VALIDATION_FORMAT', { expected: 'a circle: small letters, digits and dashes, at most 63' })
  }
  return name
}

export class CircleBook {
  readonly #database: PeersDatabase
  readonly #clock: Clock
  readonly #random: Random

  constructor(deps: { database: PeersDatabase; clock: Clock; random: Random }) {
    this.#database = deps.database
    this.#clock = deps.clock
    this.#random = deps.random
  }

  /** A new private circle with a random id; `closed` adds a key without which nobody can connect. */
  create(options: { closed: boolean; name?: string }): Circle {
    const id = toHex(this.#random.bytes(16))
    const key = options.closed ? { key: this.#random.bytes(32) } : {}
    return this.add({ id, name: options.name ?? '', bootstrap: [], ...key })
  }

  /** Remembers a circle; one that is known keeps its date and whatever is not given anew. */
  add(circle: Partial<Omit<Circle, 'joined'>> & { readonly id: string }): Circle {
    const id = checkCircleName(circle.id)
    const known = this.get(id)
    const { n } = this.#database.prepare('SELECT count(*) AS n FROM circle').get() as { n: number }
    if (known === undefined && n >= MAX_CIRCLES) {
      throw new PlexiError('VALIDATION_LIMIT', { what: 'circles', limit: MAX_CIRCLES })
    }
    const bootstrap = [...new Set([...(circle.bootstrap ?? []), ...(known?.bootstrap ?? [])])].slice(0, MAX_BOOTSTRAP)
    const key = circle.key ?? known?.key
    const pending = circle.pending ?? known?.pending
    this.#database
      .prepare('INSERT OR REPLACE INTO circle (id, name, key, joined, bootstrap, pending) VALUES (?, ?, ?, ?, ?, ?)')
      .run(
        id,
        (circle.name ?? known?.name ?? '').slice(0, MAX_NAME_CHARS),
        key === undefined ? null : toHex(key),
        known?.joined ?? this.#clock.now(),
        JSON.stringify(bootstrap),
        pending ?? null,
      )
    return this.get(id) as Circle
  }

  /** The pending invite was presented. */
  settled(id: string): void {
    this.#database.prepare('UPDATE circle SET pending = NULL WHERE id = ?').run(id)
  }

  get(id: string): Circle | undefined {
    return this.list().find((circle) => circle.id === id)
  }

  list(): Circle[] {
    const rows = this.#database.prepare('SELECT * FROM circle ORDER BY joined, id').all() as Row[]
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      joined: row.joined,
      bootstrap: JSON.parse(row.bootstrap) as string[],
      ...(row.key === null ? {} : { key: fromHex(row.key) }),
      ...(row.pending === null ? {} : { pending: row.pending }),
    }))
  }

  /** Forgets a circle; false when it was not known. */
  leave(id: string): boolean {
    return this.#database.prepare('DELETE FROM circle WHERE id = ?').run(id).changes === 1
  }
}
