import t from 'tap'
import { DAY } from '../../../src/base/clock.ts'
import { HeadDirectory } from '../../../src/node/dht/head-directory.ts'
import { headKey, HEAD_NAMESPACE, makeHeadRecords, periodAt } from '../../../src/node/dht/head-records.ts'
import { RECORD_PREFIX, PROVIDER_PREFIX } from '../../../src/node/dht/store-rules.ts'
import { dhtLimits } from '../../../src/node/options.ts'
import { concat, utf8 } from '../../../src/base/bytes.ts'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { bareNode, ports, until, type BareNode } from '../swarm.ts'
import type { Stoppable } from '../circle.ts'

const signal = AbortSignal.timeout(60_000)
const rendezvous = ports.random.bytes(32)

async function swarm(t: Stoppable, count: number): Promise<BareNode[]> {
  const first = await bareNode(t)
  const others = await Promise.all(Array.from({ length: count - 1 }, () => bareNode(t, { bootstrap: [first.address] })))
  await until(() => others.every((node) => node.libp2p.getConnections().length > 0))
  const tables = [first, ...others].map(
    (node) => node.libp2p.services.dht as unknown as { routingTable: { size: number } },
  )
  await until(() => tables[0]!.routingTable.size === count - 1 && tables.every((dht) => dht.routingTable.size > 0))
  return [first, ...others]
}

const directory = (node: BareNode, now = ports.clock.now()): HeadDirectory =>
  new HeadDirectory({ dht: node.libp2p.services.dht, log: ports.log, clock: { ...ports.clock, now: () => now } })

function recordsOf(node: BareNode, made: number) {
  const pointer = {
    made,
    hosts: [{ peer: node.peer, addresses: [node.address] }],
    first: periodAt(ports.clock.now()),
    periods: 1,
  }
  return makeHeadRecords(rendezvous, pointer, ports.random)
}

void t.test('one node publishes, another finds with nothing but the rendezvous key', async (t) => {
  const nodes = await swarm(t, 5)
  const made = ports.clock.now()
  const keepers = await directory(nodes[1]!).put(recordsOf(nodes[1]!, made), signal)
  t.ok(keepers >= 2, 'several nodes of a small swarm keep them')
  const [found] = await directory(nodes[4]!).find(rendezvous, signal)
  t.equal(found?.made, made)
  t.equal(found?.hosts[0]?.peer, nodes[1]!.peer)
  t.same(await directory(nodes[4]!).find(ports.random.bytes(32), signal), [], 'another key finds nothing')
  t.same(await directory(nodes[4]!, made + 90 * DAY).find(rendezvous, signal), [], 'other periods have other keys')
})

void t.test('an older copy does not replace what is there, a newer one does', async (t) => {
  const nodes = await swarm(t, 3)
  const made = ports.clock.now()
  await directory(nodes[1]!).put(recordsOf(nodes[1]!, made), signal)
  await directory(nodes[2]!).put(recordsOf(nodes[2]!, made - 1_000), signal)
  t.equal((await directory(nodes[0]!).find(rendezvous, signal))[0]?.hosts[0]?.peer, nodes[1]!.peer)
  await directory(nodes[2]!).put(recordsOf(nodes[2]!, made + 1_000), signal)
  t.equal((await directory(nodes[0]!).find(rendezvous, signal))[0]?.hosts[0]?.peer, nodes[2]!.peer)
})

void t.test('one peer cannot fill the table: records and provider entries are capped, junk is refused', async (t) => {
  const [victim, mallory] = (await swarm(t, 2)) as [BareNode, BareNode]
  const dht = mallory.libp2p.services.dht
  const junkKey = concat(utf8(`/${HEAD_NAMESPACE}/`), ports.random.bytes(32))
  for await (const _event of dht.put(junkKey, ports.random.bytes(500), { signal }));
  const key = headKey(rendezvous, { slot: 0, period: periodAt(ports.clock.now()) })
  for await (const _event of dht.put(key, ports.random.bytes(1_500), { signal }));
  t.equal(victim.datastore.count(RECORD_PREFIX), 0, 'what no key signed is not stored')
  const vaults = Math.ceil(dhtLimits.maxRecordsPerPeer / 4) + 12
  for (let i = 0; i < vaults; i++) {
    const first = periodAt(ports.clock.now())
    const records = makeHeadRecords(ports.random.bytes(32), { made: 1, hosts: [], first, periods: 1 }, ports.random)
    await directory(mallory).put(records, signal)
  }
  t.equal(victim.datastore.count(RECORD_PREFIX), dhtLimits.maxRecordsPerPeer)
  for (let i = 0; i < dhtLimits.maxProvidersPerPeer + 6; i++) {
    const cid = CID.createV1(raw.code, await sha256.digest(ports.random.bytes(32)))
    for await (const _event of dht.provide(cid, { signal }));
  }
  t.equal(victim.datastore.count(PROVIDER_PREFIX), dhtLimits.maxProvidersPerPeer)
})
