import t from 'tap'
import { concat } from '../../src/base/bytes.ts'
import { openCertificate } from '../../src/crypto/certificate.ts'
import type { NodeIdentity, PlexiNode } from '../../src/node/index.ts'
import { openNotice, sealedHashOf, signNotice, HEAD_STEP_BYTES, type HeadBundle } from '../../src/shard/index.ts'
import { systemRandom } from '../../src/daemon/system/index.ts'
import { newDevice, newVault, startCircle, startNode } from './circle.ts'

const signal = AbortSignal.timeout(60_000)

/** A head of a device: to the network its sealed parts are opaque. */
function head(device: NodeIdentity, seq: number, prev: Uint8Array | null = null): HeadBundle {
  const sealed = concat(new Uint8Array(HEAD_STEP_BYTES - 8), systemRandom.bytes(8))
  const { peer, serial } = openCertificate(device.certificate)
  const notice = signNotice(device.sign, {
    v: 1,
    vault: device.vault,
    device: peer,
    seq,
    prev,
    sealedHash: sealedHashOf(sealed),
    serial,
  })
  return { authority: systemRandom.bytes(500), terms: device.terms(), notice, sealed }
}

const seqOf = (bundle: HeadBundle): number => openNotice(bundle.notice).seq

void t.test('heads are left with hosts and found again from the words and one address', async (t) => {
  const hosts = await startCircle(t, 5)
  const vault = newVault()
  const device = newDevice(vault)
  const owner = await startNode(t, { device, bootstrap: hosts[0]!.addresses(), offerBytes: 0 })
  const first = head(device, 1)
  const published = await owner.network.publishHead(first, signal)
  t.equal(published.hosts.length, 5)
  t.same(published.faults, [])
  const second = head(device, 2, sealedHashOf(first.sealed))
  await owner.network.publishHead(second, signal)
  const records = hosts.map((host) => host.net.status().dht.records)
  t.ok(
    records.every((count) => count === 4),
    `every node of a small circle keeps the four records: ${records.join()}`,
  )

  await owner.stop()
  await hosts[0]!.stop()
  // A fresh device of the vault that was told the address of one host that is left.
  const heir = await startNode(t, { device: newDevice(vault), bootstrap: hosts[3]!.addresses(), offerBytes: 0 })
  const found = await heir.network.findHeads(signal)
  t.same(
    found.map(({ bundle }) => seqOf(bundle)),
    [2, 2, 2, 2],
  )
  t.equal(new Set(found.map(({ source }) => source)).size, 4)
  t.ok(found.every(({ bundle }) => Buffer.compare(bundle.sealed, second.sealed) === 0))
})

void t.test('an older head is refused by hosts, by its code', async (t) => {
  const hosts = await startCircle(t, 2)
  const device = newDevice(newVault())
  const owner = await startNode(t, { device, bootstrap: hosts[0]!.addresses(), offerBytes: 0 })
  await owner.network.publishHead(head(device, 5, systemRandom.bytes(32)), signal)
  const { hosts: kept, faults } = await owner.network.publishHead(head(device, 4, systemRandom.bytes(32)), signal)
  t.same(kept, [])
  t.match(faults, [
    { why: 'refused', detail: /STORAGE_HEAD_STALE/ },
    { why: 'refused', detail: /STORAGE_HEAD_STALE/ },
  ])
})

void t.test('another vault finds nothing; without any member that is said', async (t) => {
  const hosts = await startCircle(t, 2)
  const device = newDevice(newVault())
  const owner = await startNode(t, { device, bootstrap: hosts[0]!.addresses(), offerBytes: 0 })
  await owner.network.publishHead(head(device, 1), signal)
  const stranger = await startNode(t, { bootstrap: hosts[0]!.addresses(), offerBytes: 0 })
  t.same(await stranger.network.findHeads(signal), [])
  const alone: PlexiNode = await startNode(t, { bootstrap: ['/ip4/127.0.0.1/tcp/9'], offerBytes: 0 })
  await t.rejects(alone.network.findHeads(signal), { code: 'NETWORK_NO_BOOTSTRAP' })
})
