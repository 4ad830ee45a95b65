import t from 'tap'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB, toHex } from '../../../src/base/bytes.ts'
import type { PlexiNode } from '../../../src/node/index.ts'
import { SHARD_BYTES, type PlacementGroup } from '../../../src/shard/index.ts'
import { fetchAll, makeStripe, place, startCircle, startNode, testLimits, type Stoppable } from '../circle.ts'
import { babbles, dies, hangs, startRogue, type Misdeed, type Rogue } from '../rogue.ts'

const signal = AbortSignal.timeout(120_000)
/** How long an owner waits for a host that hangs. */
const impatient = { ...testLimits, idleTimeoutMs: 3_000 }

/** With one more host: 1-of-3 and a standby; without a standby. */
const three = await startCircle(t, 3)
const two = await startCircle(t, 2)

/** An owner among honest hosts and one rogue; groups are drawn until the rogue has a slot. */
async function withRogue(
  t: Stoppable,
  hosts: readonly PlexiNode[],
  misdeed: Misdeed,
): Promise<{ owner: PlexiNode; rogue: Rogue; group: PlacementGroup }> {
  const rogue = await startRogue(t, hosts[0]!.addresses(), misdeed)
  return { rogue, ...(await ownerWith(t, hosts, rogue)) }
}

async function ownerWith(
  t: Stoppable,
  hosts: readonly PlexiNode[],
  host: Pick<PlexiNode, 'peer'>,
): Promise<{ owner: PlexiNode; group: PlacementGroup }> {
  for (;;) {
    const owner = await startNode(t, { bootstrap: hosts[0]!.addresses(), offerBytes: 0, limits: impatient })
    await owner.discover(signal)
    const group = await owner.network.currentGroup(signal)
    if (group?.slots.some((slot) => slot.host.peer === host.peer)) return { owner, group }
    await owner.stop()
  }
}

for (const [name, misdeed, why] of [
  ['hangs', hangs, 'timeout'],
  ['answers garbage', babbles, 'protocol'],
  ['dies in the middle of a put', dies, 'offline'],
] as const) {
  void t.test(`a host that ${name} is named and replaced by a standby`, async (t) => {
    const { owner, rogue, group } = await withRogue(t, three, misdeed)
    const slot = group.slots.findIndex((each) => each.host.peer === rogue.peer)
    const stripes = [makeStripe(group), makeStripe(group)]
    const [first, second] = await Promise.all(stripes.map((stripe) => place(owner, stripe, signal)))
    t.same(first?.missing, [])
    t.same(second?.missing, [])
    t.ok([...first!.faults, ...second!.faults].includes(`${why} ${rogue.peer}`), 'the host is named')
    const replaced = [...first!.events, ...second!.events].filter((event) => event.type === 'replaced')
    t.match(replaced, [{ index: slot, from: rogue.peer }], 'exactly one replacement is announced')
    const now = owner.network.groups().find((each) => toHex(each.id) === toHex(group.id))
    t.equal(now?.version, 2)
    t.equal(now?.slots[slot]?.former[0]?.peer, rogue.peer)
    t.not(now?.slots[slot]?.host.peer, rogue.peer)
    for (const stripe of stripes) {
      const found = await fetchAll(owner, stripe, signal)
      t.ok(
        found.every((outcome) => outcome.ok),
        'everything can be fetched',
      )
    }
    const third = await place(owner, makeStripe(now!), signal)
    t.same(third.faults, [], 'later stripes go to the standby at once')
  })
}

void t.test('a host that is full says so and a standby takes over', async (t) => {
  const small = await startNode(t, { bootstrap: three[0]!.addresses(), offerBytes: 2 * MiB })
  const { owner, group } = await ownerWith(t, three, small)
  t.match(group, { k: 1, n: 3 })
  const faults: string[] = []
  for (let i = 0; i < 3; i++) {
    const placed = await place(owner, makeStripe(group), signal)
    t.same(placed.missing, [])
    faults.push(...placed.faults)
  }
  t.same(faults, [`full ${small.peer}`])
  t.match(await small.hosting.summary(), { full: 'offer' })
})

void t.test('with no standby left the shard is missing, the rest is placed', async (t) => {
  const { owner, rogue, group } = await withRogue(t, two, hangs)
  t.match(group, { k: 1, n: 3 })
  const placed = await place(owner, makeStripe(group), signal)
  t.equal(placed.missing.length, 1)
  t.equal(placed.held.length, 2)
  t.same(placed.faults, [`timeout ${rogue.peer}`])
})

void t.test(
  'a shard that was changed, cut or deleted on its host is not accepted, and the host is named',
  async (t) => {
    const home = await mkdtemp(join(tmpdir(), 'plexi-flip-'))
    t.teardown(() => rm(home, { recursive: true, force: true }))
    const flawed = await startNode(t, { bootstrap: two[0]!.addresses(), home })
    const { owner, group } = await ownerWith(t, two, flawed)
    t.match(group, { k: 1, n: 3 })
    const stripe = makeStripe(group)
    await place(owner, stripe, signal)
    const index = group.slots.findIndex((slot) => slot.host.peer === flawed.peer)
    const vault = (await flawed.hosting.summary()).vaults[0]!.vault
    const file = join(home, 'hosted', toHex(vault), toHex(stripe.record.ids[index]!))
    const flipped = Uint8Array.from(stripe.shards[index]!)
    flipped[SHARD_BYTES - 100]! ^= 1
    for (const [damage, why] of [
      [() => writeFile(file, flipped), 'corrupt'],
      [() => rm(file), 'missing'],
    ] as const) {
      await damage()
      const outcome = await owner.network.fetch({ stripe: stripe.record, index }, signal)
      // All shards of a 1-of-n stripe are alike, so another host helps out; the flawed one is named all the same.
      t.ok(
        outcome.faults.some((fault) => fault.peer === flawed.peer && fault.why === why),
        why,
      )
      t.ok(outcome.ok)
    }
  },
)

void t.test('a caller that gives up in the middle leaves nothing running', async (t) => {
  const { owner, group } = await withRogue(t, two, hangs)
  const impatient = new AbortController()
  const placing = place(owner, makeStripe(group), impatient.signal)
  setTimeout(() => {
    impatient.abort()
  }, 300)
  await t.rejects(placing, { name: 'AbortError' })
})
