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

export interface Circle {
  readonly id: string
  readonly key?: Uint8Array
  /** Milliseconds since 1970. */
  readonly joined: number
  /** Addresses of members, learned when joining. */
  readonly bootstrap: readonly string[]
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
  create(options: { closed: boolean }): Circle {
    const id = toHex(this.#random.bytes(16))
    return this.add({ id, bootstrap: [], ...(options.closed ? { key: this.#random.bytes(32) } : {}) })
  }

  /** Remembers a circle; one that is known keeps its date and takes the newer addresses and key. */
  add(circle: Omit<Circle, 'joined'>): Circle {
    checkCircleName(circle.id)
    const { n } = this.#database.prepare('SELECT count(*) AS n FROM circle').get() as { n: number }
    const known = this.get(circle.id)
    if (known === undefined && n >= MAX_CIRCLES) {
      throw new PlexiError('VALIDATION_LIMIT', { what: 'circles', limit: MAX_CIRCLES })
    }
    const bootstrap = [...new Set([...circle.bootstrap, ...(known?.bootstrap ?? [])])].slice(0, MAX_BOOTSTRAP)
    const key = circle.key ?? known?.key
    const joined = known?.joined ?? this.#clock.now()
    this.#database
      .prepare('INSERT OR REPLACE INTO circle (id, key, joined, bootstrap) VALUES (?, ?, ?, ?)')
      .run(circle.id, key === undefined ? null : toHex(key), joined, JSON.stringify(bootstrap))
    return { id: circle.id, joined, bootstrap, ...(key === undefined ? {} : { key }) }
  }

  get(id: string): Circle | undefined {
    return this.list().find((circle) => circle.id === id)
  }

  list(): Circle[] {
    const rows = this.#database.prepare('SELECT id, key, joined, bootstrap FROM circle ORDER BY joined').all() as {
      id: string
      key: string | null
      joined: number
      bootstrap: string
    }[]
    return rows.map((row) => ({
      id: row.id,
      joined: row.joined,
      bootstrap: JSON.parse(row.bootstrap) as string[],
      ...(row.key === null ? {} : { key: fromHex(row.key) }),
    }))
  }

  /** Forgets a circle; false when it was not known. */
  leave(id: string): boolean {
    return this.#database.prepare('DELETE FROM circle WHERE id = ?').run(id).changes === 1
  }
}
