/**
 * The groups this vault's stripes lie on, newest version each, kept in `peers.db`. Invariant: a group's version rises
 * with every slot that changes hands, the former host stays listed with its slot, and no standby is promised to two
 * slots of one group.
 */
import { fromHex, toHex } from '../../base/bytes.ts'
import { invariant, PlexiError } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { groupId, type GroupHost, type GroupId, type GroupSlot, type PlacementGroup } from '../../shard/index.ts'
import type { PeersDatabase } from '../peers/database.ts'

/** Standbys of one group. */
export const MAX_STANDBYS = 16
const MAX_GROUPS = 64
const MAX_FORMER = 8

/** A standby promised to a slot: either it takes over for good or the promise ends. */
export interface Takeover {
  readonly host: GroupHost
  /** True when the slot changed hands with this call; false when somebody else had done so with the same host. */
  commit(): boolean
  abandon(): void
}

export class GroupBook {
  readonly #database: PeersDatabase
  readonly #groups = new Map<string, PlacementGroup>()
  /** group/peer → slot it is promised to, and how many shards ride on that promise. */
  readonly #promised = new Map<string, { slot: number; holders: number }>()
  #current: string | undefined

  constructor(database: PeersDatabase) {
    this.#database = database
    const rows = database.prepare('SELECT id, body, current FROM placement_group').all() as {
      id: string
      body: string
      current: number
    }[]
    for (const row of rows) {
      this.#groups.set(row.id, fromJson(row.body))
      if (row.current === 1) this.#current = row.id
    }
  }

  all(): readonly PlacementGroup[] {
    return [...this.#groups.values()]
  }

  get(id: GroupId): PlacementGroup | undefined {
    return this.#groups.get(toHex(id))
  }

  current(): PlacementGroup | undefined {
    return this.#current === undefined ? undefined : this.#groups.get(this.#current)
  }

  /** Adds a fresh group and sends new stripes to it. */
  start(group: PlacementGroup): void {
    if (this.#groups.size >= MAX_GROUPS) throw new PlexiError('VALIDATION_LIMIT', { what: 'groups', limit: MAX_GROUPS })
    this.#current = toHex(group.id)
    this.#save(group)
  }

  /** Takes groups over from a head; a known one keeps its higher version. */
  adopt(groups: readonly PlacementGroup[]): void {
    for (const group of groups) {
      invariant(group.slots.length === group.n, 'a group has n slots')
      const known = this.get(group.id)
      if (known !== undefined && known.version >= group.version) continue
      if (known === undefined && this.#groups.size >= MAX_GROUPS) continue
      this.#save(group)
    }
    // The last one of a head is the one its newest stripes went to.
    const newest = groups.at(-1)
    if (this.#current === undefined && newest !== undefined) {
      this.#current = toHex(newest.id)
      this.#save(newest)
    }
  }

  /** People who came later stand by too; nobody who stands by is dropped, and no slot changes hands. */
  refreshStandbys(id: GroupId, candidates: readonly GroupHost[]): void {
    const group = this.get(id)
    if (group === undefined) return
    const members = new Set([...group.slots.map((slot) => slot.host.peer), ...group.standbys.map((host) => host.peer)])
    const fresh = candidates.filter((host) => !members.has(host.peer))
    const standbys = [...group.standbys, ...fresh.map(({ peer, addresses }) => ({ peer, addresses }))]
    if (fresh.length > 0) this.#save({ ...group, standbys: standbys.slice(0, MAX_STANDBYS) })
  }

  /** Every host any group names, as slot, former or standby. */
  hosts(): Map<PeerKey, GroupHost> {
    const hosts = new Map<PeerKey, GroupHost>()
    for (const group of this.#groups.values()) {
      for (const host of hostsOfGroup(group)) hosts.set(host.peer, host)
    }
    return hosts
  }

  /**
   * Promises the next usable standby to `slot`, whose host `from` failed. Several shards of one slot get the same
   * standby. Undefined when none is left.
   */
  takeover(id: GroupId, slot: number, usable: (peer: PeerKey) => boolean): Takeover | undefined {
    const group = this.get(id)
    const from = group?.slots[slot]?.host.peer
    if (group === undefined || from === undefined) return undefined
    const key = (peer: PeerKey): string => `${toHex(id)}/${peer}`
    const host =
      group.standbys.find((standby) => this.#promised.get(key(standby.peer))?.slot === slot && usable(standby.peer)) ??
      group.standbys.find((standby) => !this.#promised.has(key(standby.peer)) && usable(standby.peer))
    if (host === undefined) return undefined
    const promise = this.#promised.get(key(host.peer)) ?? { slot, holders: 0 }
    promise.holders++
    this.#promised.set(key(host.peer), promise)
    let open = true
    const end = (): void => {
      if (!open) return
      open = false
      if (--promise.holders === 0) this.#promised.delete(key(host.peer))
    }
    return {
      host,
      commit: () => {
        end()
        return this.#replace(id, slot, { from, to: host })
      },
      abandon: end,
    }
  }

  #replace(id: GroupId, slot: number, change: { from: PeerKey; to: GroupHost }): boolean {
    const group = this.get(id)
    const held = group?.slots[slot]
    if (group === undefined || held?.host.peer !== change.from) return false
    const former = [held.host, ...held.former.filter((host) => host.peer !== held.host.peer)].slice(0, MAX_FORMER)
    const slots = group.slots.map((each, at): GroupSlot => (at === slot ? { host: change.to, former } : each))
    const standbys = group.standbys.filter((standby) => standby.peer !== change.to.peer)
    this.#save({ ...group, version: group.version + 1, slots, standbys })
    return true
  }

  #save(group: PlacementGroup): void {
    const id = toHex(group.id)
    this.#database.transaction(() => {
      if (id === this.#current) this.#database.prepare('UPDATE placement_group SET current = 0').run()
      this.#database
        .prepare('INSERT OR REPLACE INTO placement_group (id, version, body, current) VALUES (?, ?, ?, ?)')
        .run(id, group.version, toJson(group), id === this.#current ? 1 : 0)
    })()
    this.#groups.set(id, group)
  }
}

/** Slots' hosts and former hosts, then standbys. */
export function hostsOfGroup(group: PlacementGroup): GroupHost[] {
  return [...group.slots.flatMap((slot) => [slot.host, ...slot.former]), ...group.standbys]
}

function toJson(group: PlacementGroup): string {
  return JSON.stringify({ ...group, id: toHex(group.id) })
}

function fromJson(text: string): PlacementGroup {
  const body = JSON.parse(text) as Omit<PlacementGroup, 'id'> & { id: string }
  return { ...body, id: groupId(fromHex(body.id)) }
}
