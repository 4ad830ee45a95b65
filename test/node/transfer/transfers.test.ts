import t from 'tap'
import { PlexiError } from '../../../src/base/errors.ts'
import { noMetrics } from '../../../src/base/metrics.ts'
import { Semaphore } from '../../../src/base/queue.ts'
import { peerKeyOf, type PeerKey } from '../../../src/crypto/ids.ts'
import { defaultLimits, type NodeLimits } from '../../../src/node/options.ts'
import { openPeersDatabase } from '../../../src/node/peers/database.ts'
import { GroupBook } from '../../../src/node/placement/group-book.ts'
import { Fetcher } from '../../../src/node/transfer/fetch.ts'
import type { HostCalls } from '../../../src/node/transfer/host-calls.ts'
import { Placer } from '../../../src/node/transfer/place.ts'
import {
  groupId,
  SHARD_BYTES,
  shardId,
  shardRoot,
  stripeRecord,
  type GroupHost,
  type PlaceEvent,
  type PlacementGroup,
  type Receipt,
} from '../../../src/shard/index.ts'
import type { Stoppable } from '../circle.ts'
import { ports } from '../swarm.ts'

const signal = AbortSignal.timeout(20_000)
const host = (n: number): GroupHost => ({ peer: peerKeyOf(new Uint8Array(32).fill(n)), addresses: [] })
const id = (n: number) => shardId(new Uint8Array(32).fill(n))

const group: PlacementGroup = {
  id: groupId(new Uint8Array(16)),
  version: 1,
  k: 2,
  n: 3,
  slots: [
    { host: host(1), former: [] },
    { host: host(2), former: [host(7)] },
    { host: host(3), former: [] },
  ],
  standbys: [host(4)],
  returnRates: [1, 1, 1],
}
const stripe = stripeRecord({ k: 2, n: 3, ids: [id(1), id(2), id(3)], group: group.id })
const bytes = (n: number): Uint8Array => Uint8Array.of(n)

const offline = (peer: PeerKey): PlexiError => new PlexiError('NETWORK_UNREACHABLE', { peer })
const lacking = (): PlexiError => new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: 'x' })

interface World {
  placer: Placer
  fetcher: Fetcher
  book: GroupBook
  asked: string[]
  resting: Set<PeerKey>
}

/** Transfers over made-up hosts. */
async function world(
  t: Stoppable,
  calls: Partial<HostCalls>,
  options: { limits?: Partial<NodeLimits>; everybody?: GroupHost[] } = {},
): Promise<World> {
  const database = await openPeersDatabase(':memory:', ports.disk)
  t.teardown(() => database.close())
  const book = new GroupBook(database)
  book.start(group)
  const asked: string[] = []
  const resting = new Set<PeerKey>()
  const all = new Semaphore(2)
  const refuse = async (): Promise<never> => {
    throw new Error('not in this test')
  }
  const note = (what: string, at: GroupHost): void => void asked.push(`${what} ${at.peer}`)
  const deps = {
    ...ports,
    metrics: noMetrics,
    book,
    table: { succeeded: () => undefined, failed: () => undefined },
    links: {
      transfer: <T>(_peer: PeerKey, _signal: AbortSignal, work: () => Promise<T>) => all.run(work),
      ask: <T>(_peer: PeerKey, _signal: AbortSignal, work: () => Promise<T>) => work(),
      rest: (peer: PeerKey) => void resting.add(peer),
      resting: (peer: PeerKey) => resting.has(peer),
      awake: (peer: PeerKey) => void resting.delete(peer),
    },
    calls: {
      put: (at, shard, wait) => (note('put', at), calls.put ?? refuse)(at, shard, wait),
      get: (at, shard, wait) => (note('get', at), calls.get ?? refuse)(at, shard, wait),
      has: (at, ids, wait) => (note('has', at), calls.has ?? refuse)(at, ids, wait),
      release: refuse,
      putHead: refuse,
      getHeads: refuse,
    } satisfies HostCalls,
    everybody: () => options.everybody ?? [],
  }
  const limits = { ...defaultLimits, hedgeMs: 20, retryFirstMs: 1, retryMaxMs: 2, ...options.limits }
  return { placer: new Placer(limits, deps), fetcher: new Fetcher(limits, deps), book, asked, resting }
}

const receipt = (at: GroupHost, index: number): Receipt => ({
  shardId: stripe.ids[index]!,
  host: at.peer,
  number: 1,
  bytes: 1,
  time: 1,
  signed: new Uint8Array(0),
})

async function placeAll(placer: Placer, held: number[] = []): Promise<PlaceEvent[]> {
  const events: PlaceEvent[] = []
  const request = { stripe, held: new Set(held), read: async (index: number) => bytes(index) }
  for await (const event of placer.place(request, signal)) events.push(event)
  return events
}

void t.test('a second holder is asked when the first takes long; the slow one is given up', async (t) => {
  let givenUp = false
  const { fetcher } = await world(t, {
    get: async (at, _id, wait) => {
      if (at.peer !== host(2).peer) return bytes(2)
      await new Promise((_, reject) => {
        wait.addEventListener('abort', () => {
          givenUp = true
          reject(wait.reason as Error)
        })
      })
      return bytes(0)
    },
  })
  const outcome = await fetcher.fetch({ stripe, index: 1 }, signal)
  t.match(outcome, { ok: true, from: host(7).peer, faults: [] })
  t.ok(givenUp)
})

void t.test('former hosts, standbys and then anybody who has it; who owes it is named', async (t) => {
  const { fetcher, asked } = await world(
    t,
    {
      get: async (at) => {
        if (at.peer === host(9).peer) return bytes(2)
        throw at.peer === host(7).peer ? offline(at.peer) : lacking()
      },
      has: async (at) => [{ state: at.peer === host(9).peer ? 'held' : 'missing' }],
    },
    { everybody: [host(1), host(8), host(9)] },
  )
  const outcome = await fetcher.fetch({ stripe, index: 1 }, signal)
  t.match(outcome, { ok: true, from: host(9).peer })
  t.same(
    outcome.faults.map((fault) => [fault.why, fault.peer]),
    [
      ['missing', host(2).peer],
      ['offline', host(7).peer],
    ],
    'a standby that lacks it is no fault',
  )
  t.notOk(asked.includes(`get ${host(8).peer}`), 'only who says so is asked for the bytes')
})

void t.test('a former host that has it clears the slot; a resting one costs no time', async (t) => {
  const { fetcher, asked, resting } = await world(t, {
    get: async (at) => {
      if (at.peer === host(7).peer) return bytes(2)
      throw lacking()
    },
  })
  t.match(await fetcher.fetch({ stripe, index: 1 }, signal), { ok: true, from: host(7).peer, faults: [] })
  resting.add(host(1).peer)
  const outcome = await fetcher.fetch({ stripe, index: 0 }, signal)
  t.match(outcome, { ok: false, faults: [{ why: 'offline', peer: host(1).peer }] })
  t.notOk(asked.includes(`get ${host(1).peer}`))
})

void t.test('nobody is searched for without end', async (t) => {
  const { fetcher, asked } = await world(
    t,
    {
      get: async () => {
        throw lacking()
      },
      has: async () => [{ state: 'missing' }],
    },
    { everybody: [host(8)] },
  )
  for (let i = 0; i < 6; i++) await fetcher.fetch({ stripe, index: 0 }, signal)
  t.equal(asked.filter((each) => each.startsWith('has')).length, 3)
})

void t.test('what is held is not sent again; a busy host is tried twice, then replaced', async (t) => {
  const { placer, book, asked } = await world(t, {
    put: async (at, shard) => {
      if (at.peer === host(3).peer) throw new PlexiError('NETWORK_BUSY', { peer: at.peer })
      await shard.read()
      return receipt(at, shard.index)
    },
  })
  const events = await placeAll(placer, [0])
  t.equal(asked.filter((each) => each === `put ${host(3).peer}`).length, 2)
  t.notOk(asked.includes(`put ${host(1).peer}`))
  t.same(events.map((event) => event.type).sort(), ['done', 'fault', 'receipt', 'receipt', 'replaced'])
  t.same(events.at(-1), { type: 'done', missing: [] })
  t.equal(book.current()?.slots[2]?.host.peer, host(4).peer)
})

for (const wrong of ['cannot be read', 'is not what it was'] as const)
  void t.test(`a shard that ${wrong} here is no host’s fault and does not keep the others`, async (t) => {
    const { placer, book } = await world(t, {
      put: async (at, shard) => {
        await shard.read()
        // As a host says that was given other bytes.
        if (shard.index === 1) throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: 'x', peer: at.peer })
        return receipt(at, shard.index)
      },
    })
    const request = {
      stripe,
      held: new Set<number>(),
      read: async (index: number) => {
        if (index === 1 && wrong === 'cannot be read') throw new PlexiError('STORAGE_IO', { reason: 'EIO' })
        return bytes(index)
      },
    }
    const events: PlaceEvent[] = []
    for await (const event of placer.place(request, signal)) events.push(event)
    t.same(events.map(({ type }) => type).sort(), ['done', 'receipt', 'receipt', 'unreadable'])
    t.match(
      events.find(({ type }) => type === 'unreadable'),
      { index: 1, error: { code: wrong === 'cannot be read' ? 'STORAGE_IO' : 'STORAGE_SHARD_CORRUPT' } },
    )
    t.match(events.at(-1), { type: 'done', missing: [1] })
    t.equal(book.current()?.version, 1, 'nobody was replaced')
  })

void t.test('a host that refuses a good shard as damaged is named', async (t) => {
  const body = new Uint8Array(SHARD_BYTES).fill(7)
  const good = stripeRecord({ k: 1, n: 1, ids: [shardRoot(body)], group: group.id })
  const { placer } = await world(t, {
    put: async (at, shard) => {
      await shard.read()
      if (at.peer === host(1).peer) throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: 'x', peer: at.peer })
      return receipt(at, shard.index)
    },
  })
  const events: PlaceEvent[] = []
  for await (const event of placer.place({ stripe: good, held: new Set(), read: async () => body }, signal))
    events.push(event)
  t.match(events[0], { type: 'fault', fault: { peer: host(1).peer, why: 'corrupt' } })
  t.match(events.at(-1), { type: 'done', missing: [] })
})

void t.test('whoever stops listening stops the uploads', async (t) => {
  let running = 0
  const { placer } = await world(t, {
    put: async (at, shard, wait) => {
      if (shard.index === 0) return receipt(at, 0)
      running++
      await new Promise((_, reject) => {
        wait.addEventListener('abort', () => {
          running--
          reject(wait.reason as Error)
        })
      })
      return receipt(at, shard.index)
    },
  })
  const request = { stripe, held: new Set<number>(), read: async () => bytes(0) }
  for await (const event of placer.place(request, signal)) {
    t.equal(event.type, 'receipt')
    break
  }
  t.equal(running, 0)
})

void t.test('a stripe of an unknown group goes nowhere and says so', async (t) => {
  const { placer, fetcher } = await world(t, {})
  const lost = stripeRecord({ ...stripe, group: groupId(new Uint8Array(16).fill(9)) })
  const events: PlaceEvent[] = []
  const request = { stripe: lost, held: new Set<number>(), read: async () => bytes(0) }
  for await (const event of placer.place(request, signal)) events.push(event)
  t.same(events, [{ type: 'done', missing: [0, 1, 2] }])
  t.same(await fetcher.fetch({ stripe: lost, index: 0 }, signal), { ok: false, faults: [] })
  t.same(await fetcher.fetch({ stripe, index: 99 }, signal), { ok: false, faults: [] })
})
