import t from 'tap'
import { fetchAll, makeStripe, place, startCircle, startNode } from './circle.ts'
import { until } from './swarm.ts'

const signal = AbortSignal.timeout(60_000)

void t.test('one owner, eight hosts, one address: a stripe goes out and comes back', async (t) => {
  const hosts = await startCircle(t, 8)
  const owner = await startNode(t, { bootstrap: hosts[0]!.addresses(), offerBytes: 0 })
  await until(() => owner.hosts().eligible === 8, 60_000)
  const group = await owner.network.currentGroup(signal)
  t.match(group, { k: 2, n: 5, version: 1 })
  t.equal(group?.standbys.length, 3)
  t.same(owner.hosts(), { eligible: 8, online: 8 })
  const stripe = makeStripe(group!)
  const placed = await place(owner, stripe, signal)
  t.same(placed.held, [0, 1, 2, 3, 4])
  t.same(placed.missing, [])
  t.same(placed.faults, [])
  const again = await place(owner, stripe, signal)
  t.same(again.held, [0, 1, 2, 3, 4], 'placing again gets the same receipts')
  const found = await fetchAll(owner, stripe, signal)
  for (const [index, outcome] of found.entries()) {
    t.ok(outcome.ok && Buffer.compare(outcome.bytes, stripe.shards[index]!) === 0)
  }
  const holders = await owner.network.locate({ stripe: stripe.record, index: 3 }, signal)
  t.match(holders, [{ peer: group!.slots[3]!.host.peer, state: 'held', leaseUntil: Number }])
  t.equal((await owner.network.currentGroup(signal))?.id, group?.id, 'the group stays')
  const summaries = await Promise.all(hosts.map((host) => host.hosting.summary()))
  t.same(
    summaries.flatMap((each) => each.vaults.map((vault) => vault.shards)),
    [1, 1, 1, 1, 1],
    'one shard a host',
  )
})
