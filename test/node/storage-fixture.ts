/** A host on a temporary directory and owners that talk to it through streams in memory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { silentLogger } from '../../src/base/log.ts'
import { noMetrics } from '../../src/base/metrics.ts'
import { DAY } from '../../src/base/clock.ts'
import { allGrants, type Grant, issueCertificate, newSerial } from '../../src/crypto/certificate.ts'
import { type PeerKey, peerKeyOf, type VaultId, vaultId } from '../../src/crypto/ids.ts'
import { signEnvelope, signingKey, type SigningKey } from '../../src/crypto/signature.ts'
import { signTerms } from '../../src/crypto/terms.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'
import { hostDefaults, type HostOptions, HostStore } from '../../src/node/host/index.ts'
import type { Disk } from '../../src/base/disk.ts'
import {
  type Call,
  createHandlers,
  type DeviceAnswer,
  type Guest,
  type HeadPut,
  type HandlerDeps,
  type Owner,
  type ProvenAsk,
  serveDefaults,
  type ServeOptions,
  SHARD_PROTOCOL,
  type ShardPut,
  type Standing,
  type StorageProtocol,
} from '../../src/node/protocols/index.ts'
import {
  type GroupId,
  manifestPayload,
  type ShardId,
  sealedHashOf,
  shardRoot,
  SHARD_BYTES,
  signNotice,
  stripeRecord,
} from '../../src/shard/index.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { type MemoryWire, memoryWirePair } from './memory-wire.ts'

export const START = Date.UTC(2026, 5, 1)
export const ADDRESS = '/ip4/192.0.2.7/tcp/7421'
const random = seededRandom('storage fixture')

export async function temporaryDirectory(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'plexi-host-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export interface TestDevice extends Required<Owner> {
  readonly peer: PeerKey
  readonly serial: number
}

/** A vault whose key the test holds. */
export class TestVault {
  readonly key: SigningKey = signingKey(random.bytes(32))
  readonly id: VaultId = vaultId(this.key.publicKey)
  #termsVersion = 0

  device(grants: readonly Grant[] = allGrants, notAfter = START + 3650 * DAY): TestDevice {
    const sign = signingKey(random.bytes(32))
    const peer = peerKeyOf(sign.publicKey)
    const serial = newSerial(random)
    const certificate = issueCertificate(this.key, { peer, dh: random.bytes(32), grants, serial, notAfter })
    return { sign, peer, serial, certificate, vault: this.id, terms: this.terms() }
  }

  /** A new version of the terms each time. */
  terms(content: { floorDays?: number; revokedSerials?: readonly number[]; version?: number } = {}): Uint8Array {
    const { floorDays = 7, revokedSerials = [], version = ++this.#termsVersion } = content
    return signTerms(this.key, { version, floorDays, revokedSerials })
  }
}

/** A shard of random-looking bytes. */
export function sampleShard(seed: string | number): { id: ShardId; bytes: Uint8Array } {
  const bytes = Buffer.alloc(SHARD_BYTES, seededRandom(seed).bytes(4096))
  return { id: shardRoot(bytes), bytes }
}

/** A put of `shard` as index 0 of a stripe of its own, or of `others` with it. */
export function putOf(
  device: TestDevice,
  shard: { id: ShardId; bytes: Uint8Array },
  others: readonly ShardId[] = [],
): ShardPut {
  const ids = [shard.id, ...others]
  const stripe = stripeRecord({ k: 1, n: ids.length, ids, group: Buffer.alloc(16, 7) as Uint8Array as GroupId })
  return {
    shardId: shard.id,
    index: 0,
    manifest: signEnvelope(device.sign, 'manifest', manifestPayload(stripe)),
    read: () => Promise.resolve(shard.bytes),
  }
}

export interface HeadContent {
  readonly seq?: number
  readonly prev?: Uint8Array
  readonly body?: string
  readonly terms?: Uint8Array
  readonly records?: readonly Uint8Array[]
}

/** A head whose seal the host cannot open anyway. */
export function headOf(device: TestDevice, content: HeadContent = {}): HeadPut {
  const { seq = 1, body = `head ${String(seq)}`, terms = device.terms, records = [] } = content
  const sealed = Buffer.alloc(4096, seededRandom(body).bytes(512))
  const prev = seq === 1 ? null : (content.prev ?? new Uint8Array(32))
  const { vault, peer, serial } = device
  const notice = signNotice(device.sign, {
    v: 1,
    vault,
    device: peer,
    seq,
    prev,
    sealedHash: sealedHashOf(sealed),
    serial,
  })
  return { bundle: { authority: seededRandom(`authority ${body}`).bytes(700), terms, notice, sealed }, records }
}

export interface TestHost {
  readonly store: HostStore
  readonly peer: PeerKey
  readonly clock: VirtualClock
  readonly directory: string
  /** What the peer book says of everybody. */
  standing: Standing
  readonly guests: Guest[]
  /** Who asked to become a device, and what all of them are answered. */
  readonly asks: ProvenAsk[]
  deviceAnswer: DeviceAnswer | undefined
  readonly handlers: ReturnType<typeof createHandlers>
  /** Opens a stream as `peer` and serves it; `served` resolves when the handler is done with it. */
  open(
    peer: PeerKey,
    protocol?: StorageProtocol,
  ): { call: Call; wire: MemoryWire; server: MemoryWire; served: Promise<void> }
  /** The call alone. */
  call(peer: PeerKey, protocol?: StorageProtocol): Call
}

export interface TestHostOptions {
  readonly host?: Partial<HostOptions>
  readonly serve?: Partial<ServeOptions>
  readonly disk?: Disk
  readonly directory?: string
  readonly clock?: VirtualClock
}

export function hostOptions(options: Partial<HostOptions> = {}): HostOptions {
  // Whatever the machine of the tests has left must be enough.
  return { ...hostDefaults, diskReserve: 0, ...options }
}

export async function testHost(t: Test, options: TestHostOptions = {}): Promise<TestHost> {
  const clock = options.clock ?? new VirtualClock(START)
  const directory = options.directory ?? (await temporaryDirectory(t))
  const store = new HostStore(hostOptions(options.host), {
    disk: options.disk ?? systemDisk,
    clock,
    random,
    log: silentLogger,
    metrics: noMetrics,
    path: join(directory, 'hosted'),
  })
  await store.open()
  t.teardown(() => store.stop())
  const vault = new TestVault()
  const own = vault.device()
  const stopping = new AbortController()
  t.teardown(() => {
    stopping.abort()
  })
  const state: { standing: Standing; deviceAnswer: DeviceAnswer | undefined } = {
    standing: 'vouched',
    deviceAnswer: undefined,
  }
  const guests: Guest[] = []
  const asks: ProvenAsk[] = []
  const deps: HandlerDeps = {
    clock,
    log: silentLogger,
    metrics: noMetrics,
    stopping: stopping.signal,
    store,
    admission: { standing: () => Promise.resolve(state.standing) },
    identity: { peer: own.peer, sign: own.sign, certificate: () => own.certificate },
    invites: {
      redeem: (_token, guest) => {
        guests.push(guest)
        return Promise.resolve({ certificate: own.certificate, name: 'host', addresses: [ADDRESS] })
      },
    },
    devices: {
      ask: (asked) => {
        asks.push(asked)
        return state.deviceAnswer
      },
    },
    hosting: {
      leaseDays: 90,
      strangerBytes: 5 * 2 ** 30,
      version: '0.1.0',
      minimumVersion: '0.1.0',
      stamp: () => null,
      draining: () => false,
    },
  }
  const handlers = createHandlers({ ...serveDefaults, ...options.serve }, deps)
  const open: TestHost['open'] = (peer, protocol = SHARD_PROTOCOL) => {
    const { client, server } = memoryWirePair()
    const served = handlers[protocol](server, { peer, address: ADDRESS })
    const call = { stream: client, host: own.peer, clock, signal: stopping.signal }
    return { call, wire: client, server, served }
  }
  return {
    store,
    peer: own.peer,
    clock,
    directory,
    handlers,
    guests,
    asks,
    get deviceAnswer() {
      return state.deviceAnswer
    },
    set deviceAnswer(answer) {
      state.deviceAnswer = answer
    },
    get standing() {
      return state.standing
    },
    set standing(standing) {
      state.standing = standing
    },
    open,
    call: (peer, protocol) => open(peer, protocol).call,
  }
}
