/** Placement groups inside the head. Spec: docs/spec/04-snapshot-and-head.md § Groups. Rates are whole millionths. */
import type { Plain } from '../../crypto/codec.ts'
import { groupId, type GroupHost, type GroupSlot, type PlacementGroup } from '../../shard/index.ts'
import { asList, asUint, Fields, malformed } from '../codec/fields.ts'

const MAX_SLOTS = 64
const MAX_ADDRESSES = 8
const MAX_FORMER = 8
const MAX_STANDBYS = 64
const MILLION = 1_000_000
/** Addresses of a host that ride in the head; hosts are found by peer id anyway. */
const KEPT_ADDRESSES = 3

export function groupPlain(group: PlacementGroup): Plain {
  return {
    id: group.id,
    version: group.version,
    k: group.k,
    n: group.n,
    slots: group.slots.map((slot) => ({ host: hostPlain(slot.host), former: slot.former.map(hostPlain) })),
    standbys: group.standbys.map(hostPlain),
    rates: group.returnRates.map((rate) => Math.round(rate * MILLION)),
  }
}

export function readGroup(plain: Plain): PlacementGroup {
  const f = new Fields(plain, 'group')
  const k = f.uint('k', MAX_SLOTS)
  const n = f.uint('n', MAX_SLOTS)
  const group: PlacementGroup = {
    id: groupId(f.bytes('id', { length: 16 })),
    version: f.uint('version'),
    k,
    n,
    slots: f.list('slots', n).map(readSlot),
    standbys: f.list('standbys', MAX_STANDBYS).map(readHost),
    returnRates: f.list('rates', n).map((rate) => asUint(rate, 'group.rates', MILLION) / MILLION),
  }
  f.end()
  if (k < 1 || k > n || group.slots.length !== n || group.returnRates.length !== n) throw malformed('group', 'shape')
  return group
}

function hostPlain(host: GroupHost): Plain {
  return { peer: host.peer, addresses: host.addresses.slice(0, KEPT_ADDRESSES) }
}

function readHost(plain: Plain): GroupHost {
  const f = new Fields(plain, 'group host')
  const host = {
    peer: f.peer('peer'),
    addresses: f.list('addresses', MAX_ADDRESSES).map(readAddress),
  }
  f.end()
  return host
}

function readAddress(plain: Plain): string {
  if (typeof plain !== 'string' || plain.length > 512) throw malformed('group host', 'address')
  return plain
}

function readSlot(plain: Plain): GroupSlot {
  const f = new Fields(plain, 'group slot')
  const slot = {
    host: readHost(f.plain('host')),
    former: asList(f.plain('former'), 'group slot', MAX_FORMER).map(readHost),
  }
  f.end()
  return slot
}
