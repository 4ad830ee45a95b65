import t from 'tap'
import { MiB, toHex } from '../../src/base/bytes.ts'
import { DAY } from '../../src/base/clock.ts'
import { systemRandom } from '../../src/daemon/system/index.ts'
import { decodeInvite, type PlexiNode } from '../../src/node/index.ts'
import { makeStripe, newDevice, newVault, place, startNode } from './circle.ts'
import { until } from './swarm.ts'

const signal = AbortSignal.timeout(60_000)
/** Not loopback alone, so nobody is vouched for without a reason. */
const open = { listen: ['/ip4/0.0.0.0/tcp/0'], mdns: false }
const local = (node: PlexiNode): string[] => node.addresses().filter((address) => address.includes('/127.0.0.1/'))

void t.test('an invite lets a friend in and vouches on both sides, once', async (t) => {
  const alice = await startNode(t, { ...open, name: 'alice' })
  const bob = await startNode(t, { ...open, name: 'bob', bootstrap: local(alice) })
  await bob.discover(signal)
  t.equal(bob.hosts().eligible, 0, 'a stranger hosts nothing for a stranger')
  t.equal(await bob.network.currentGroup(signal), undefined)

  const invite = alice.membership.invite({ uses: 1, expiresMs: DAY })
  t.match(invite.code, /^plexi1/)
  t.equal(decodeInvite(invite.code).circle, 'test')
  const joined = await bob.membership.join(invite.code, signal)
  t.match(joined, { circle: 'test', peer: alice.peer, name: 'alice', restart: false })
  t.match(alice.peers.show(bob.peer), { name: 'bob', vouched: true, online: true })
  t.match(bob.peers.show('alice'), { peer: alice.peer, vouched: true })
  await t.rejects(bob.membership.join(invite.code, signal), { code: 'SECURITY_INVITE' }, 'it was for one')
  t.same(alice.membership.invites(), [])

  await until(async () => {
    await bob.discover(signal)
    return bob.hosts().eligible === 1
  })
  const group = await bob.network.currentGroup(signal)
  t.match(group, { k: 1, n: 1 })
  t.same((await place(bob, makeStripe(group!), signal)).held, [0])
})

void t.test('trust and blocking by hand', async (t) => {
  const alice = await startNode(t, open)
  const bob = await startNode(t, { ...open, bootstrap: local(alice) })
  await bob.discover(signal)
  bob.peers.trust(alice.peer, { trusted: true, name: 'al' })
  t.equal(bob.hosts().eligible, 0, 'trust must be mutual before anything is stored')
  alice.peers.trust(bob.peer, { trusted: true })
  const asked = await bob.peers.add(local(alice)[0]!, signal)
  t.match(asked, { name: 'al', eligible: true, vouched: true })
  t.match(await bob.peers.ping('al', signal), { ok: true, ms: Number })
  const group = await bob.network.currentGroup(signal)
  t.ok(group)

  await alice.peers.block(bob.peer, true)
  const placed = await place(bob, makeStripe(group!), signal)
  t.equal(placed.missing.length, 1)
  t.match(await bob.peers.ping(alice.peer, signal), { ok: false })
  await alice.peers.block(bob.peer, false)
  t.throws(() => bob.peers.show('nobody'), { code: 'STORAGE_NOT_FOUND' })
})

void t.test('what is known survives a restart: people, groups, invites', async (t) => {
  const home = t.testdir()
  const device = newDevice(newVault())
  const alice = await startNode(t, open)
  let bob = await startNode(t, { ...open, home, device, bootstrap: local(alice) })
  await bob.membership.join(alice.membership.invite({ uses: 2, expiresMs: DAY }).code, signal)
  await bob.discover(signal)
  await until(() => bob.hosts().eligible === 1)
  const group = await bob.network.currentGroup(signal)
  bob.membership.invite({ uses: 3, expiresMs: DAY })
  await bob.stop()
  bob = await startNode(t, { ...open, home, device })
  t.match(bob.peers.show(alice.peer), { vouched: true, bytesStored: 0 })
  t.same(
    bob.network.groups().map((each) => toHex(each.id)),
    [toHex(group!.id)],
  )
  t.match(bob.membership.invites(), [{ uses: 3, used: 0 }])
  t.same((await bob.network.currentGroup(signal))?.id, group?.id, 'found again without any bootstrap address')
})

void t.test('a circle with a key: without it nobody gets in, an invite carries it', async (t) => {
  const key = systemRandom.bytes(32)
  const alice = await startNode(t, { circle: 'club', circleKey: key })
  const outsider = await startNode(t, { circle: 'club', bootstrap: alice.addresses() })
  await outsider.discover(signal)
  t.equal(outsider.hosts().online, 0)

  const home = t.testdir()
  const device = newDevice(newVault())
  const guest = await startNode(t, { home, device })
  const { code } = alice.membership.invite({ uses: 1, expiresMs: DAY })
  t.match(await guest.membership.join(code, signal), { circle: 'club', peer: alice.peer, restart: true })
  t.match(guest.circles.list(), [{ id: 'club', key, pending: code }])
  await guest.stop()
  const member = await startNode(t, { home, device, circle: 'club' })
  await until(() => member.peers.list().some((peer) => peer.peer === alice.peer && peer.vouched))
  t.equal(member.circles.get('club')?.pending, undefined)
  await member.discover(signal)
  t.equal(member.hosts().eligible, 1)
})

void t.test('the group grows when people join, and data stays readable', async (t) => {
  const first = await startNode(t)
  const owner = await startNode(t, { bootstrap: first.addresses(), offerBytes: 0 })
  const small = await owner.network.currentGroup(signal)
  t.match(small, { k: 1, n: 1 })
  const early = makeStripe(small!)
  await place(owner, early, signal)
  await Promise.all(
    Array.from({ length: 3 }, () => startNode(t, { bootstrap: first.addresses(), offerBytes: 8 * MiB })),
  )
  await owner.discover(signal)
  await until(() => owner.hosts().eligible === 4, 60_000)
  const grown = await owner.network.currentGroup(signal)
  t.match(grown, { k: 1, n: 3 })
  t.equal(grown?.standbys.length, 1)
  t.equal(owner.network.groups().length, 2)
  const found = await owner.network.fetch({ stripe: early.record, index: 0 }, signal)
  t.ok(found.ok)
  const released = await owner.network.release([{ stripe: early.record, index: 0 }], signal)
  t.same(released, { confirmed: 1, faults: [] })
  t.match(await owner.network.locate({ stripe: early.record, index: 0 }, signal), [{ state: 'released' }])
})

void t.test('reports for people', async (t) => {
  const alice = await startNode(t)
  const bob = await startNode(t, { bootstrap: alice.addresses() })
  await bob.discover(signal)
  t.match(bob.net.status(), {
    circle: 'test',
    connections: 1,
    dht: { protocol: '/plexichat/test/kad/1.0.0', mode: 'server', peers: 1, records: 0 },
    bootstrap: alice.addresses(),
  })
  t.ok(bob.net.check().every((check) => check.ok))
  const alone = await startNode(t, {
    bootstrap: ['/ip4/127.0.0.1/tcp/9/p2p/12D3KooWGYLhBYHkHfMMPSgfDTCDEZCX2n1JuGqEN8Rk1Sj8XjNx'],
  })
  t.same(
    alone.net
      .check()
      .filter((check) => !check.ok)
      .map((check) => check.name),
    ['bootstrap', 'members', 'dht', 'hosts'],
  )
  t.match(await alice.hosting.summary(), { full: undefined, vaults: [] })
  alice.hosting.resize(0)
  t.match(await alice.hosting.summary(), { offerBytes: 0, full: 'offer' })
})
