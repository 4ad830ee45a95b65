/** Seeds at the host's side: what a good one leaves, and that nothing else is taken. Spec: docs/spec/07-seed.md */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { compare, toHex } from '../../src/base/bytes.ts'
import { RootHasher } from '../../src/crypto/merkle.ts'
import { signEnvelope } from '../../src/crypto/signature.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'
import { openReceipt, putShard } from '../../src/node/protocols/index.ts'
import { SeedAdoption, type SeedSummary } from '../../src/node/seed-adoption.ts'
import {
  encodeSeedPage,
  manifestPayload,
  openSeedReceipts,
  signSeed,
  SHARD_BYTES,
  stripeRecord,
  type GroupId,
  type Seed,
} from '../../src/shard/index.ts'
import { putOf, sampleShard, START, temporaryDirectory, testHost, TestVault } from './storage-fixture.ts'
import type { TestDevice, TestHost } from './storage-fixture.ts'

const never = new AbortController().signal
const shards = [1, 2, 3].map((i) => sampleShard(`seed ${String(i)}`)).sort((a, b) => compare(a.id, b.id))
/** Room for terms beside the shards. */
const TERMS = 4096
type Shard = (typeof shards)[number]

interface Making {
  readonly host: TestHost
  readonly device: TestDevice
  /** What the device signs instead. */
  readonly change?: Partial<Seed>
  readonly signer?: TestDevice
  readonly items?: readonly Shard[]
}

function itemOf(device: TestDevice, { id }: Shard) {
  const stripe = stripeRecord({ k: 1, n: 1, ids: [id], group: new Uint8Array(16).fill(7) as GroupId })
  return { index: 0, manifest: signEnvelope(device.sign, 'manifest', manifestPayload(stripe)) }
}

async function makeSeed(t: Test, { host, device, change, signer = device, items = shards }: Making): Promise<string> {
  const directory = await temporaryDirectory(t)
  const hasher = new RootHasher()
  for (const { id } of shards) hasher.update(id)
  const { vault, peer, certificate, terms } = device
  const bound = { count: shards.length, root: hasher.root() }
  const seed = { vault, device: peer, host: host.peer, time: START, certificate, terms, ...bound, ...change }
  writeFileSync(join(directory, 'seed'), signSeed(signer.sign, seed))
  mkdirSync(join(directory, 'pages'))
  writeFileSync(join(directory, 'pages/0000'), encodeSeedPage(items.map((shard) => itemOf(signer, shard))))
  for (const shard of items) {
    const folder = join(directory, 'shards', toHex(shard.id).slice(0, 2))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, toHex(shard.id)), shard.bytes)
  }
  return directory
}

async function adopt(host: TestHost, own: TestDevice, directory: string): Promise<SeedSummary> {
  const { store, clock } = host
  const admission = { standing: () => Promise.resolve(host.standing) }
  const deps = { store, admission, peer: host.peer, sign: own.sign, disk: systemDisk, clock }
  let last: SeedSummary | undefined
  for await (const event of new SeedAdoption(directory, deps).run(never)) if (event.type === 'summary') last = event
  if (last === undefined) throw new Error('no summary')
  return last
}

t.test('a seed is stored like puts; its owner gets the receipts and sends no body', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const directory = await makeSeed(t, { host, device })
  t.match(await adopt(host, device, directory), { shards: 3, stored: 3, known: 0, bad: [], receipts: true })
  t.equal(host.store.vault(device.vault)?.bytes, 3 * SHARD_BYTES)
  t.ok(await host.store.terms.get(device.vault), 'terms are kept')

  for (const shard of shards) {
    const put = { ...putOf(device, shard), read: () => Promise.reject(new Error('a body was asked for')) }
    const receipt = await putShard(host.call(device.peer), device, put).catch((error: unknown) => error)
    t.match(receipt, { host: host.peer, bytes: SHARD_BYTES })
  }
  t.match(await adopt(host, device, directory), { stored: 0, known: 3 }, 'again: nothing new')
})

t.test('receipts on the disk are the host’s own word', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const device = vault.device()
  const own = { ...device, ...hostKey }
  const as = { ...host, peer: hostKey.peer }
  const directory = await makeSeed(t, { host: as, device })
  await adopt(as, own, directory)
  const receipts = openSeedReceipts(readFileSync(join(directory, 'receipts/0000')))
  receipts.forEach((signed, i) => {
    const shardId = shards[i]?.id
    if (signed === null || shardId === undefined) throw new Error('no receipt')
    t.match(openReceipt(signed, { host: hostKey.peer, vault: vault.id, shardId }), { bytes: SHARD_BYTES })
  })
})
/** A key of which the test knows the private half, for a host. */
const hostKey = (({ peer, sign }) => ({ peer, sign }))(new TestVault().device())

t.test('what is damaged or missing on the disk is named, the rest is taken', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const directory = await makeSeed(t, { host, device })
  const [one, two] = shards.map(({ id }) => join(directory, 'shards', toHex(id).slice(0, 2), toHex(id))) as [
    string,
    string,
  ]
  rmSync(one)
  symlinkSync('/etc/hostname', one)
  writeFileSync(two, Buffer.alloc(SHARD_BYTES))
  const summary = await adopt(host, device, directory)
  t.match(summary, { stored: 1, bad: { length: 2 } })
  t.same(summary.bad.map(({ why }) => why).toSorted(), ['corrupt', 'missing'])
  t.same(
    openSeedReceipts(readFileSync(join(directory, 'receipts/0000'))).map((receipt) => receipt === null),
    [true, true, false],
  )
})

t.test('nothing else is taken, and nothing of it is kept', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const device = vault.device()
  const stranger = new TestVault().device()
  const revoked = vault.device()
  const reader = vault.device(['fetch'])
  const expired = vault.device(['store'], START - 1)
  const cases: [string, Omit<Making, 'host'>, string][] = [
    ['for another host', { device, change: { host: stranger.peer } }, 'STORAGE_SEED_REFUSED'],
    ['signed by another device', { device, signer: stranger }, 'SECURITY_SIGNATURE'],
    [
      'with the certificate of another device',
      { device, change: { certificate: revoked.certificate } },
      'AUTH_CERTIFICATE',
    ],
    ['of another vault', { device, change: { vault: stranger.vault } }, 'STORAGE_SEED_REFUSED'],
    ['with terms of another vault', { device, change: { terms: stranger.terms } }, 'SECURITY_SIGNATURE'],
    ['of a device without the grant', { device: reader }, 'AUTH_GRANT_MISSING'],
    ['of a device that expired', { device: expired }, 'AUTH_CERTIFICATE'],
    [
      'of a revoked device',
      { device: revoked, change: { terms: vault.terms({ revokedSerials: [revoked.serial] }) } },
      'AUTH_REVOKED',
    ],
    ['that lacks a shard', { device, items: shards.slice(1) }, 'STORAGE_SEED_REFUSED'],
    ['with another root', { device, change: { root: new Uint8Array(32) } }, 'STORAGE_SEED_REFUSED'],
    ['with pages missing', { device, change: { count: 65 } }, 'STORAGE_SEED_REFUSED'],
  ]
  for (const [what, making, code] of cases) {
    const directory = await makeSeed(t, { host, ...making })
    await t.rejects(adopt(host, device, directory), { code }, what)
    t.notOk(existsSync(join(directory, 'receipts')), what)
  }
  const good = await makeSeed(t, { host, device })
  host.standing = 'stranger'
  await t.rejects(adopt(host, device, good), { code: 'SECURITY_STAMP_REQUIRED' })
  host.standing = 'blocked'
  await t.rejects(adopt(host, device, good), { code: 'AUTH_FORBIDDEN' })
  host.standing = 'vouched'
  t.equal(host.store.usage().storedBytes, 0)
  await t.rejects(adopt(host, device, await temporaryDirectory(t)), { code: 'STORAGE_SEED_REFUSED' }, 'no seed')
  writeFileSync(join(good, 'seed'), Buffer.alloc(30_000))
  await t.rejects(adopt(host, device, good), { code: 'VALIDATION_LIMIT' }, 'too long')
})

t.test('the room that is lent bounds it; what fitted stays', async (t) => {
  const host = await testHost(t, { host: { offerBytes: 2 * SHARD_BYTES + TERMS } })
  const device = new TestVault().device()
  const directory = await makeSeed(t, { host, device })
  await t.rejects(adopt(host, device, directory), { code: 'STORAGE_QUOTA_EXCEEDED' })
  t.equal(host.store.vault(device.vault)?.shards, 2)
  host.store.resize(3 * SHARD_BYTES + TERMS)
  t.match(await adopt(host, device, directory), { stored: 1, known: 2 })
})

t.test('a disk does not choose where receipts are written', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const directory = await makeSeed(t, { host, device })
  const elsewhere = await temporaryDirectory(t)
  symlinkSync(elsewhere, join(directory, 'receipts'))
  t.match(await adopt(host, device, directory), { stored: 3, receipts: false })
  t.same(readdirSync(elsewhere), [])
})
