import t, { type Test } from 'tap'
import { defaultLimits } from '../../../src/node/options.ts'
import { Discovery, type AnsweredOffer } from '../../../src/node/peers/discovery.ts'
import { PeerLinks } from '../../../src/node/transfer/peer-links.ts'
import { bareNode, ports, until, type BareNode } from '../swarm.ts'

const OFFER = '/plexichat/offer/1'
const signal = new AbortController().signal

const offer: AnsweredOffer = {
  capacityBytes: 1_000,
  freeBytes: 900,
  accepting: true,
  vault: 'ab'.repeat(32),
  stamped: false,
}

/** A host that answers every question about its offer with one byte. */
async function host(test: Pick<Test, 'teardown'>, bootstrap: readonly string[]): Promise<BareNode> {
  const node = await bareNode(test, { bootstrap })
  await node.libp2p.handle(OFFER, async (stream) => {
    stream.send(Uint8Array.of(1))
    await stream.close()
  })
  return node
}

function discoveryOf(test: Pick<Test, 'teardown'>, node: BareNode, bootstrap: readonly string[]): Discovery {
  const limits = { ...defaultLimits, dialTimeoutMs: 2_000, askTimeoutMs: 2_000 }
  const links = new PeerLinks(limits, { libp2p: node.libp2p, policy: node.policy, clock: ports.clock })
  const discovery = new Discovery(
    { bootstrap, offerProtocol: OFFER, limits },
    {
      ...ports,
      libp2p: node.libp2p,
      policy: node.policy,
      table: node.table,
      askOffer: async (target, wait) => {
        const stream = await links.open(target, OFFER, wait)
        if ((await stream.read(wait))?.[0] !== 1) throw new Error('no offer')
        await stream.close()
        return offer
      },
    },
  )
  test.teardown(() => discovery.stop())
  return discovery
}

void t.test('an owner that knows one address finds all eight hosts', async (t) => {
  const first = await host(t, [])
  await Promise.all(Array.from({ length: 7 }, () => host(t, [first.address])))
  const owner = await bareNode(t, { bootstrap: [first.address] })
  const discovery = discoveryOf(t, owner, [first.address])
  const started = performance.now()
  discovery.start()
  await discovery.converge(signal)
  t.equal(discovery.members().size, 8)
  t.ok(performance.now() - started < 5_000, 'within seconds')
  t.equal(owner.table.list().length, 8)
  t.ok(owner.table.list().every((peer) => peer.offer?.freeBytes === 900 && peer.addresses.length > 0))
})

void t.test('a host that comes later is found by asking again, one that leaves is dropped', async (t) => {
  const first = await host(t, [])
  const owner = await bareNode(t, { bootstrap: [first.address] })
  const discovery = discoveryOf(t, owner, [first.address])
  discovery.start()
  await discovery.converge(signal)
  t.equal(discovery.members().size, 1)
  const second = await host(t, [first.address])
  await until(() => second.libp2p.getConnections().length > 0)
  await discovery.converge(signal, { force: true })
  t.equal(discovery.members().size, 2)
  await second.libp2p.stop()
  await until(() => discovery.members().size === 1)
})

void t.test('nobody answers: no error, no hosts, and it ends', async (t) => {
  const owner = await bareNode(t)
  const discovery = discoveryOf(t, owner, ['/ip4/127.0.0.1/tcp/9'])
  discovery.start()
  await discovery.converge(signal)
  t.equal(discovery.members().size, 0)
})

void t.test('a caller that gives up does not stop the discovery of others', async (t) => {
  const owner = await bareNode(t)
  const discovery = discoveryOf(t, owner, [])
  const impatient = new AbortController()
  const waiting = discovery.converge(impatient.signal)
  impatient.abort()
  await t.rejects(waiting, { name: 'AbortError' })
  await discovery.converge(signal)
})
