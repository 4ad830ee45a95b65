import t from 'tap'
import { peerKeyOf, type PeerKey } from '../../../src/crypto/ids.ts'
import { openPeersDatabase } from '../../../src/node/peers/database.ts'
import { GroupBook } from '../../../src/node/placement/group-book.ts'
import { groupId, type GroupHost, type PlacementGroup } from '../../../src/shard/index.ts'
import type { Stoppable } from '../circle.ts'
import { ports } from '../swarm.ts'

const host = (n: number): GroupHost => ({ peer: peerKeyOf(new Uint8Array(32).fill(n)), addresses: [] })
const id = groupId(new Uint8Array(16).fill(1))
const anybody = (): boolean => true

const group = (slots: number[], standbys: number[], version = 1): PlacementGroup => ({
  id,
  version,
  k: 1,
  n: slots.length,
  slots: slots.map((n) => ({ host: host(n), former: [] })),
  standbys: standbys.map(host),
  returnRates: slots.map(() => 0.98),
})

async function book(test: Stoppable): Promise<{ book: GroupBook; again: () => GroupBook }> {
  const database = await openPeersDatabase(':memory:', ports.disk)
  test.teardown(() => database.close())
  return { book: new GroupBook(database), again: () => new GroupBook(database) }
}

const slotPeers = (of: PlacementGroup | undefined): PeerKey[] => (of?.slots ?? []).map((slot) => slot.host.peer)

void t.test('a standby takes over for good, the former host stays listed, all of it on disk', async (t) => {
  const { book: groups, again } = await book(t)
  groups.start(group([1, 2, 3], [4, 5]))
  const takeover = groups.takeover(id, 1, anybody)
  t.equal(takeover?.host.peer, host(4).peer)
  t.ok(takeover?.commit())
  t.notOk(takeover?.commit(), 'once')
  for (const now of [groups.current(), again().current()]) {
    t.same(
      slotPeers(now),
      [1, 4, 3].map((n) => host(n).peer),
    )
    t.match(now, { version: 2, standbys: [host(5)] })
    t.same(now?.slots[1]?.former, [host(2)])
  }
})

void t.test('two slots never get the same standby, two shards of one slot do', async (t) => {
  const { book: groups } = await book(t)
  groups.start(group([1, 2, 3], [4, 5]))
  const first = groups.takeover(id, 0, anybody)
  const sibling = groups.takeover(id, 0, anybody)
  const other = groups.takeover(id, 1, anybody)
  t.equal(first?.host.peer, host(4).peer)
  t.equal(sibling?.host.peer, host(4).peer)
  t.equal(other?.host.peer, host(5).peer)
  t.equal(groups.takeover(id, 2, anybody), undefined)
  t.ok(first?.commit())
  t.notOk(sibling?.commit(), 'the slot changed hands already')
  other?.abandon()
  other?.abandon()
  t.equal(groups.takeover(id, 2, anybody)?.host.peer, host(5).peer, 'an abandoned standby is free again')
  t.equal(
    groups.takeover(id, 2, () => false),
    undefined,
    'nobody usable',
  )
})

void t.test('adopting keeps the higher version; newcomers stand by', async (t) => {
  const { book: groups } = await book(t)
  groups.start(group([1, 2], [], 3))
  groups.adopt([group([8, 9], [], 2)])
  t.same(slotPeers(groups.get(id)), [host(1).peer, host(2).peer])
  groups.adopt([group([8, 9], [], 4)])
  t.same(slotPeers(groups.current()), [host(8).peer, host(9).peer])
  groups.refreshStandbys(id, [host(8), host(5), host(6)])
  groups.refreshStandbys(id, [host(5)])
  t.same(groups.current()?.standbys, [host(5), host(6)])
  t.equal(groups.current()?.version, 4, 'no slot changed hands')
  t.equal(groups.hosts().size, 4)
})

void t.test('a recovered vault goes on with the newest group of its head', async (t) => {
  const { book: groups } = await book(t)
  const later = { ...group([3], []), id: groupId(new Uint8Array(16).fill(2)) }
  groups.adopt([group([1], []), later])
  t.same(groups.current()?.id, later.id)
  t.equal(groups.all().length, 2)
})
