/** Every refusal comes before the body: the host takes the request frame off the stream and nothing more. */
import t from 'tap'
import { DAY } from '../../../src/base/clock.ts'
import type { PeerKey } from '../../../src/crypto/ids.ts'
import { encodeMessage } from '../../../src/node/protocols/messages.ts'
import {
  getHeads,
  getShard,
  hasShards,
  JOIN_PROTOCOL,
  joinCircle,
  putHead,
  putShard,
  releaseShards,
  renewLeases,
  restoreReleased,
} from '../../../src/node/protocols/index.ts'
import { encodeFrame } from '../../../src/node/protocols/wire.ts'
import { SHARD_BYTES } from '../../../src/shard/index.ts'
import {
  headOf,
  putOf,
  sampleShard,
  START,
  type TestDevice,
  type TestHost,
  testHost,
  TestVault,
} from '../storage-fixture.ts'

const shard = sampleShard('authorisation')

/** Sends a put and its body in one go, as a client that does not wait would; resolves to the code and what was read. */
async function rudePut(
  host: TestHost,
  device: TestDevice,
  options: { as?: PeerKey; terms?: Uint8Array; manifest?: Uint8Array } = {},
): Promise<{ code: string; bodyBytesTaken: number }> {
  const { call, wire, server, served } = host.open(options.as ?? device.peer)
  const { shardId, index, manifest } = putOf(device, shard)
  const request = {
    v: 1,
    verb: 'put',
    certificate: device.certificate,
    terms: options.terms !== undefined,
    shardId,
    index,
    manifest: options.manifest ?? manifest,
    stamp: null,
  }
  const frames = [encodeFrame(encodeMessage(request)), ...(options.terms ? [encodeFrame(options.terms)] : [])]
  for (const frame of frames) await wire.write(frame, call.signal)
  const sentBytes = frames.reduce((sum, frame) => sum + frame.length, 0)
  const body = wire.write(Buffer.alloc(SHARD_BYTES), call.signal).catch(() => undefined)
  await served
  const taken = server.takenBytes - sentBytes
  const code = await answerCode(wire, call.signal)
  wire.abort(new Error('done'))
  await body
  return { code, bodyBytesTaken: taken }
}

async function answerCode(
  wire: { read: (signal: AbortSignal) => Promise<Uint8Array | undefined> },
  signal: AbortSignal,
) {
  const text = Buffer.from((await wire.read(signal)) ?? []).toString('latin1')
  return /[A-Z]+_[A-Z_]+/.exec(text)?.[0] ?? 'accepted'
}

t.test('put is refused on the request alone', async (t) => {
  const vault = new TestVault()
  const device = vault.device()
  const refused = async (name: string, code: string, outcome: Promise<{ code: string; bodyBytesTaken: number }>) => {
    t.same(await outcome, { code, bodyBytesTaken: 0 }, name)
  }
  const host = await testHost(t)
  const thief = new TestVault().device()
  await refused("another device's certificate", 'AUTH_CERTIFICATE', rudePut(host, device, { as: thief.peer }))
  await refused('an expired certificate', 'AUTH_CERTIFICATE', rudePut(host, vault.device(undefined, START - 1)))
  await refused('no grant', 'AUTH_GRANT_MISSING', rudePut(host, vault.device(['fetch', 'head'])))
  const forged = { ...device, certificate: Buffer.from(device.certificate).fill(0, device.certificate.length - 8) }
  await refused('a forged certificate', 'AUTH_CERTIFICATE', rudePut(host, forged))
  const revoking = vault.terms({ revokedSerials: [device.serial] })
  await refused('revoked by the terms that come along', 'AUTH_REVOKED', rudePut(host, device, { terms: revoking }))
  const other = putOf(device, sampleShard('other')).manifest
  await refused('a manifest of another shard', 'VALIDATION_DECODE', rudePut(host, device, { manifest: other }))
  const unsigned = putOf(thief, shard).manifest
  await refused('a manifest of another device', 'SECURITY_SIGNATURE', rudePut(host, device, { manifest: unsigned }))
  host.standing = 'stranger'
  await refused('a stranger', 'SECURITY_STAMP_REQUIRED', rudePut(host, device))
  host.standing = 'blocked'
  await refused('blocked', 'AUTH_FORBIDDEN', rudePut(host, device))
  host.standing = 'stamped'
  const tiny = await testHost(t, { host: { offerBytes: SHARD_BYTES } })
  tiny.standing = 'stamped'
  await refused("beyond a stranger's share", 'STORAGE_QUOTA_EXCEEDED', rudePut(tiny, device))
  t.equal(host.store.usage().storedBytes + tiny.store.usage().storedBytes, 0)
})

t.test('a revoked device is refused everywhere once the host knows', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const [kept, stolen] = [vault.device(), vault.device()]
  await putShard(host.call(stolen.peer), stolen, putOf(stolen, shard))
  // The owner's other device tells the host in passing, with a request of its own.
  const terms = vault.terms({ revokedSerials: [stolen.serial] })
  await hasShards(host.call(kept.peer), { ...kept, terms }, [shard.id])
  const older = { certificate: stolen.certificate, terms: stolen.terms }
  const tries: Record<string, () => Promise<unknown>> = {
    put: () => putShard(host.call(stolen.peer), { ...stolen, ...older }, putOf(stolen, sampleShard('new'))),
    get: () => getShard(host.call(stolen.peer), older, shard.id),
    has: () => hasShards(host.call(stolen.peer), older, [shard.id]),
    release: () => releaseShards(host.call(stolen.peer), { ...stolen, ...older }, [shard.id]),
    'restore-released': () => restoreReleased(host.call(stolen.peer), { ...stolen, ...older }, [shard.id]),
    renew: () => renewLeases(host.call(stolen.peer), { ...stolen, ...older }, { upTo: 1, count: 1, root: shard.id }),
    'get-head': () => getHeads(host.call(stolen.peer), older, stolen.vault),
    'put-head': () => putHead(host.call(stolen.peer), stolen, headOf(stolen)),
    join: () =>
      joinCircle(host.call(stolen.peer, JOIN_PROTOCOL), {
        token: new Uint8Array(16),
        certificate: stolen.certificate,
        name: 'thief',
        addresses: [],
      }),
  }
  for (const [verb, attempt] of Object.entries(tries))
    await t.rejects(attempt() as Promise<void>, { code: 'AUTH_REVOKED' }, verb)
  t.equal((await getShard(host.call(kept.peer), kept, shard.id)).length, SHARD_BYTES)
})

t.test('a stranger can neither fetch nor release nor overwrite', async (t) => {
  const host = await testHost(t)
  const owner = new TestVault().device()
  await putShard(host.call(owner.peer), owner, putOf(owner, shard))
  await putHead(host.call(owner.peer), owner, headOf(owner))
  const thief = new TestVault().device()
  const missing = { code: 'STORAGE_SHARD_NOT_FOUND' }
  await t.rejects(getShard(host.call(thief.peer), thief, shard.id), missing, 'with a certificate of its own vault')
  const borrowed = { ...thief, certificate: owner.certificate, vault: owner.vault }
  const refused = { code: 'AUTH_CERTIFICATE' }
  await t.rejects(getShard(host.call(thief.peer), borrowed, shard.id), refused, "with the owner's certificate")
  t.same(await releaseShards(host.call(thief.peer), thief, [shard.id]), [null])
  await t.rejects(releaseShards(host.call(thief.peer), borrowed, [shard.id]), refused)
  await t.rejects(putHead(host.call(thief.peer), borrowed, headOf(owner, { seq: 2 })), refused)
  await t.rejects(putHead(host.call(thief.peer), thief, headOf(owner, { seq: 2 })), { code: 'SECURITY_SIGNATURE' })
  t.same(await getHeads(host.call(thief.peer), thief, thief.vault), [])
  t.match(await hasShards(host.call(owner.peer), owner, [shard.id]), [{ state: 'held' }])
  t.match(await hasShards(host.call(thief.peer), thief, [shard.id]), [{ state: 'missing' }])
})

t.test('a certificate that runs out while the host runs is refused from then on', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device(undefined, START + DAY)
  t.match(await hasShards(host.call(device.peer), device, [shard.id]), [{ state: 'missing' }])
  await host.clock.advance(2 * DAY)
  const late = hasShards(host.call(device.peer), device, [shard.id])
  await t.rejects(late, { code: 'AUTH_CERTIFICATE', details: { peer: host.peer } })
})
