// Whole nodes on loopback, each with a vault and a home of its own, for tests on real sockets. Always stopped.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { MiB } from '../../src/base/bytes.ts'
import { silentLogger, type Logger } from '../../src/base/log.ts'
import { noMetrics } from '../../src/base/metrics.ts'
import { issueCertificate, newSerial } from '../../src/crypto/certificate.ts'
import { peerKeyOf } from '../../src/crypto/ids.ts'
import { newPhrase } from '../../src/crypto/phrase.ts'
import { signingKey } from '../../src/crypto/signature.ts'
import { signTerms } from '../../src/crypto/terms.ts'
import { deriveVault, type VaultSecrets } from '../../src/crypto/vault-keys.ts'
import { systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { PlexiNode, type NodeIdentity, type NodeLimits, type NodeOptions } from '../../src/node/index.ts'
import {
  encodeParity,
  shardRoot,
  SHARD_BYTES,
  stripeRecord,
  type FetchOutcome,
  type PlaceEvent,
  type PlacementGroup,
  type StripeRecord,
} from '../../src/shard/index.ts'

export type Stoppable = Pick<Test, 'teardown'>

/** Patient, for machines that are busy with other tests; quick where nothing is waited for. */
export const testLimits: Partial<NodeLimits> = {
  dialTimeoutMs: 10_000,
  askTimeoutMs: 10_000,
  retryFirstMs: 20,
  retryMaxMs: 100,
  discoveryPauseMs: 50,
}

export function newVault(): VaultSecrets {
  return deriveVault(newPhrase(systemRandom))
}

/** A fresh device of a vault. */
export function newDevice(vault: VaultSecrets, changes: { version?: number; revoked?: number[] } = {}): NodeIdentity {
  const peerSeed = systemRandom.bytes(32)
  const sign = signingKey(peerSeed)
  const certificate = issueCertificate(vault.sign, {
    peer: peerKeyOf(sign.publicKey),
    dh: systemRandom.bytes(32),
    grants: ['store', 'fetch', 'release', 'head', 'chat'],
    serial: newSerial(systemRandom),
    notAfter: systemClock.now() + 1e10,
  })
  const terms = signTerms(vault.sign, {
    version: changes.version ?? 1,
    floorDays: 7,
    revokedSerials: changes.revoked ?? [],
  })
  return { peerSeed, sign, certificate, vault: vault.vault, rendezvous: vault.shared.rendezvous, terms: () => terms }
}

export interface StartOptions extends Partial<NodeOptions> {
  readonly device?: NodeIdentity
  readonly home?: string
  readonly log?: Logger
}

export async function startNode(t: Stoppable, options: StartOptions = {}): Promise<PlexiNode> {
  const { device = newDevice(newVault()), log = silentLogger, home: given, ...rest } = options
  const home = given ?? (await mkdtemp(join(tmpdir(), 'plexi-node-')))
  const node = new PlexiNode(
    {
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: [],
      circle: 'test',
      offerBytes: 64 * MiB,
      name: 'host',
      limits: testLimits,
      diskReserveShare: 0,
      ...rest,
    },
    {
      disk: systemDisk,
      clock: systemClock,
      random: systemRandom,
      log,
      metrics: noMetrics,
      device,
      home: { hosted: join(home, 'hosted'), datastore: join(home, 'datastore'), peersDb: join(home, 'peers.db') },
    },
  )
  t.teardown(async () => {
    await node.stop()
    if (given === undefined) await rm(home, { recursive: true, force: true })
  })
  await node.start()
  return node
}

/** One node to bootstrap from and `count − 1` that know only its address. */
export async function startCircle(t: Stoppable, count: number, options: StartOptions = {}): Promise<PlexiNode[]> {
  const first = await startNode(t, options)
  const bootstrap = first.addresses()
  const others = await Promise.all(Array.from({ length: count - 1 }, () => startNode(t, { ...options, bootstrap })))
  return [first, ...others]
}

export interface TestStripe {
  readonly record: StripeRecord
  readonly shards: readonly Uint8Array[]
}

/** k random data shards and their parity, for a group. */
export function makeStripe(group: Pick<PlacementGroup, 'id' | 'k' | 'n'>): TestStripe {
  const data = Array.from({ length: group.k }, () => systemRandom.bytes(SHARD_BYTES))
  const shards = [...data, ...encodeParity({ k: group.k, n: group.n }, data)]
  const record = stripeRecord({ k: group.k, n: group.n, ids: shards.map((bytes) => shardRoot(bytes)), group: group.id })
  return { record, shards }
}

export interface Placed {
  readonly events: PlaceEvent[]
  readonly held: number[]
  readonly missing: readonly number[]
  readonly faults: string[]
}

export async function place(node: PlexiNode, stripe: TestStripe, signal: AbortSignal): Promise<Placed> {
  const events: PlaceEvent[] = []
  const request = { stripe: stripe.record, held: new Set<number>(), read: async (i: number) => stripe.shards[i]! }
  for await (const event of node.network.place(request, signal)) events.push(event)
  const done = events.at(-1)
  return {
    events,
    held: events.flatMap((event) => (event.type === 'receipt' ? [event.index] : [])).sort((a, b) => a - b),
    missing: done?.type === 'done' ? done.missing : [-1],
    faults: events.flatMap((event) => (event.type === 'fault' ? [`${event.fault.why} ${event.fault.peer}`] : [])),
  }
}

export function fetchAll(node: PlexiNode, stripe: TestStripe, signal: AbortSignal): Promise<FetchOutcome[]> {
  return Promise.all(stripe.record.ids.map((_, index) => node.network.fetch({ stripe: stripe.record, index }, signal)))
}
