import t from 'tap'
import { openCertificate } from '../../src/crypto/certificate.ts'
import { fetchAll, makeStripe, newDevice, newVault, place, startCircle, startNode } from './circle.ts'
import { until } from './swarm.ts'

const signal = AbortSignal.timeout(120_000)

void t.test('what one vault stores nobody else can fetch, release or learn of', async (t) => {
  const hosts = await startCircle(t, 2)
  const bootstrap = hosts[0]!.addresses()
  const vault = newVault()
  const owner = await startNode(t, { bootstrap, device: newDevice(vault), offerBytes: 0 })
  await until(() => owner.hosts().eligible === 2, 60_000)
  const group = (await owner.network.currentGroup(signal))!
  const stripe = makeStripe(group)
  await place(owner, stripe, signal)

  const stranger = await startNode(t, { bootstrap, offerBytes: 0 })
  await stranger.discover(signal)
  await stranger.network.adoptGroups([group])
  for (const outcome of await fetchAll(stranger, stripe, signal)) {
    t.match(outcome, { ok: false, faults: [{ why: 'missing' }] })
  }
  const request = { stripe: stripe.record, index: 0 }
  t.match(await stranger.network.locate(request, signal), [{ state: 'missing' }])
  await stranger.network.release([request], signal)
  t.match(await owner.network.locate(request, signal), [{ state: 'held' }], 'a stranger releases nothing')

  const sibling = await startNode(t, { bootstrap, device: newDevice(vault), offerBytes: 0 })
  await sibling.discover(signal)
  await sibling.network.adoptGroups([group])
  t.ok(
    (await fetchAll(sibling, stripe, signal)).every((outcome) => outcome.ok),
    'another device of the vault may',
  )
})

void t.test('a revoked device is refused by every host', async (t) => {
  const hosts = await startCircle(t, 2)
  const bootstrap = hosts[0]!.addresses()
  const vault = newVault()
  const stolen = newDevice(vault)
  const { serial } = openCertificate(stolen.certificate)
  const owner = await startNode(t, {
    bootstrap,
    device: newDevice(vault, { version: 2, revoked: [serial] }),
    offerBytes: 0,
  })
  await until(() => owner.hosts().eligible === 2, 60_000)
  const group = (await owner.network.currentGroup(signal))!
  const stripe = makeStripe(group)
  await place(owner, stripe, signal)

  const thief = await startNode(t, { bootstrap, device: stolen, offerBytes: 0 })
  await thief.discover(signal)
  await thief.network.adoptGroups([group])
  const placed = await place(thief, makeStripe(group), signal)
  t.same(placed.held, [])
  t.equal(placed.faults.length, 2)
  t.ok(placed.faults.every((fault) => fault.startsWith('refused')))
  for (const outcome of await fetchAll(thief, stripe, signal)) {
    t.match(outcome, { ok: false, faults: [{ why: 'refused', detail: /AUTH_REVOKED/ }] })
  }
})
