/** Owners under mutated answers: a host that says anything at all costs an error with a code, never more. */
import t, { type Test } from 'tap'
import { isPlexiError } from '../../src/base/errors.ts'
import type { PeerKey } from '../../src/crypto/ids.ts'
import {
  askForDevice,
  type Call,
  DEVICE_PROTOCOL,
  getHeads,
  getOffer,
  getShard,
  hasShards,
  hostFault,
  JOIN_PROTOCOL,
  joinCircle,
  OFFER_PROTOCOL,
  putHead,
  putShard,
  releaseShards,
  renewLeases,
  SHARD_PROTOCOL,
  type StorageProtocol,
} from '../../src/node/protocols/index.ts'
import { type MemoryWire, memoryWirePair } from '../node/memory-wire.ts'
import { ADDRESS, headOf, putOf, sampleShard, type TestHost, testHost, TestVault } from '../node/storage-fixture.ts'
import { Mutator } from './mutate.ts'
import { CASES, FULL, SEED } from './protocol-fuzz.ts'

t.setTimeout(FULL ? 3_600_000 : 120_000)

const never = new AbortController().signal
/** What a lying host can be caught at. */
const CAUGHT = new Set(['NETWORK_PROTOCOL', 'SECURITY_SIGNATURE', 'AUTH_CERTIFICATE', 'STORAGE_SHARD_CORRUPT'])

interface Ask {
  readonly protocol: StorageProtocol
  readonly ask: (call: Call) => Promise<unknown>
}

t.test('every client function', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const device = vault.device()
  const shard = sampleShard('answers')
  await putShard(host.call(device.peer), device, putOf(device, shard))
  await putHead(host.call(device.peer), device, headOf(device))
  const joining = { token: new Uint8Array(16), certificate: device.certificate, name: 'Ann', addresses: [ADDRESS] }
  const asking = { secret: new Uint8Array(16), peer: device.peer, dh: new Uint8Array(32), name: 'NAS' }
  host.deviceAnswer = { welcome: new Uint8Array(200), authority: new Uint8Array(700), terms: new Uint8Array(200) }
  const renewing = { upTo: 1, count: 1, root: new Uint8Array(32) }
  const asks: Record<string, Ask> = {
    putShard: { protocol: SHARD_PROTOCOL, ask: (call) => putShard(call, device, putOf(device, shard)) },
    getShard: { protocol: SHARD_PROTOCOL, ask: (call) => getShard(call, device, shard.id) },
    hasShards: { protocol: SHARD_PROTOCOL, ask: (call) => hasShards(call, device, [shard.id]) },
    releaseShards: { protocol: SHARD_PROTOCOL, ask: (call) => releaseShards(call, device, [shard.id]) },
    renewLeases: { protocol: SHARD_PROTOCOL, ask: (call) => renewLeases(call, device, renewing) },
    getHeads: { protocol: SHARD_PROTOCOL, ask: (call) => getHeads(call, device, device.vault) },
    getOffer: { protocol: OFFER_PROTOCOL, ask: (call) => getOffer(call, device.certificate) },
    joinCircle: { protocol: JOIN_PROTOCOL, ask: (call) => joinCircle(call, joining) },
    askForDevice: { protocol: DEVICE_PROTOCOL, ask: (call) => askForDevice(call, asking) },
  }
  for (const [name, ask] of Object.entries(asks)) await lieTo(t, host, { name, peer: device.peer, ...ask })
})

async function lieTo(t: Test, host: TestHost, what: Ask & { name: string; peer: PeerKey }): Promise<void> {
  const truth = await recorded(host, what)
  const cases = what.name === 'getShard' ? Math.ceil(CASES / 10) : Math.ceil(CASES / 4)
  const outcomes = new Map<string, number>()
  for (let i = 0; i < cases; i++) {
    const random = new Mutator(SEED + i)
    const outcome = await told(host, what, lie(truth, random))
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    const expected = outcome === 'believed' || CAUGHT.has(outcome)
    if (!expected) t.fail(`case ${String(SEED + i)} of ${what.name} ended with ${outcome}`)
  }
  const told_ = [...outcomes].map(([outcome, count]) => `${String(count)} ${outcome}`).join(', ')
  t.pass(`${what.name}: ${told_}`)
}

/** All the bytes a real host answers with. */
async function recorded(host: TestHost, what: Ask & { peer: PeerKey }): Promise<Uint8Array> {
  const { call, served } = host.open(what.peer, what.protocol)
  const answers: Uint8Array[] = []
  const listening = {
    ...call.stream,
    read: async (signal: AbortSignal) => {
      const chunk = await call.stream.read(signal)
      if (chunk !== undefined) answers.push(chunk)
      return chunk
    },
    write: (bytes: Uint8Array, signal: AbortSignal) => call.stream.write(bytes, signal),
    close: () => call.stream.close(),
    abort: (error: Error) => {
      call.stream.abort(error)
    },
  }
  await what.ask({ ...call, stream: listening })
  await served
  return Buffer.concat(answers)
}

/** Mostly in the first bytes, where the messages are; bodies follow them. */
function lie(truth: Uint8Array, random: Mutator): Uint8Array {
  const head = truth.subarray(0, Math.min(truth.length, 200))
  if (random.chance(80)) return Buffer.concat([random.bytes(head), truth.subarray(head.length)])
  return random.chance(50) ? truth.subarray(0, random.below(truth.length)) : random.frame(head)
}

async function told(host: TestHost, what: Ask, bytes: Uint8Array): Promise<string> {
  const { client, server } = memoryWirePair()
  const talking = talk(server, bytes)
  try {
    await what.ask({ stream: client, host: host.peer, clock: host.clock, signal: never })
    return 'believed'
  } catch (error) {
    if (!isPlexiError(error)) return `no PlexiError: ${String(error)}`
    return hostFault(host.peer, error).why === 'offline' ? 'offline' : error.code
  } finally {
    server.abort(new Error('done'))
    await talking
  }
}

/** Answers without listening, but takes what is sent. */
async function talk(server: MemoryWire, bytes: Uint8Array): Promise<void> {
  const heard = (async () => {
    while ((await server.read(never)) !== undefined);
  })().catch(() => undefined)
  await server.write(bytes, never).catch(() => undefined)
  await server.close()
  await heard
}
