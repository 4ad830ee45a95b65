/** A vault with one device, on real keys, and an engine on it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../src/base/clock.ts'
import { noMetrics } from '../../src/base/metrics.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Disk } from '../../src/base/disk.ts'
import {
  BackupEngine,
  defaultBackupOptions,
  ownThread,
  type BackupOptions,
  type EngineKeys,
} from '../../src/backup/index.ts'
import { addDevice, createAuthority, epochKeysForVault, openAuthority } from '../../src/crypto/authority.ts'
import { allGrants, issueCertificate, newSerial, type Grant } from '../../src/crypto/certificate.ts'
import { exchangePublicKey } from '../../src/crypto/hybrid.ts'
import { peerKeyOf } from '../../src/crypto/ids.ts'
import { newPhrase } from '../../src/crypto/phrase.ts'
import { signingKey } from '../../src/crypto/signature.ts'
import { signTerms } from '../../src/crypto/terms.ts'
import { deriveVault } from '../../src/crypto/vault-keys.ts'
import { systemBlockingDisk, systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import type { ShardNetwork } from '../../src/shard/index.ts'
import type { Threads } from '../../src/base/threads.ts'

export interface TestVault {
  readonly phrase: string
  readonly keys: EngineKeys
  /** Of the key that signs: what another process needs besides. */
  readonly seed: Uint8Array
}

export function newVault(): TestVault {
  const phrase = newPhrase(systemRandom)
  const seed = systemRandom.bytes(32)
  return { phrase, keys: deviceOf(phrase, undefined, allGrants, seed), seed }
}

/** A device of the vault: the first one, or one more with the authority that hosts kept. */
export function deviceOf(
  phrase: string,
  found?: { authority: Uint8Array; terms: Uint8Array },
  grants: readonly Grant[] = allGrants,
  seed: Uint8Array = systemRandom.bytes(32),
): EngineKeys {
  const secrets = deriveVault(phrase)
  const sign = signingKey(seed)
  const device = peerKeyOf(sign.publicKey)
  const serial = newSerial(systemRandom)
  const content = {
    peer: device,
    dh: exchangePublicKey(systemRandom.bytes(32)),
    grants,
    serial,
    notAfter: systemClock.now() + 1e10,
  }
  const certificate = issueCertificate(secrets.sign, content)
  const deps = { random: systemRandom, clock: systemClock }
  const made =
    found === undefined
      ? createAuthority(secrets, { name: 'test', certificate }, deps)
      : addDevice(secrets, found.authority, { ...deps, device: { name: 'another', certificate } })
  const authority = openAuthority(made.bytes, { key: secrets.shared.authority, vault: secrets.vault })
  const terms = found?.terms ?? signTerms(secrets.sign, { version: 1, floorDays: 7, revokedSerials: [] })
  const epochs = epochKeysForVault(secrets, authority)
  return {
    vault: secrets.vault,
    device,
    serial,
    grants,
    sign,
    shared: secrets.shared,
    epochs,
    authority: made.bytes,
    terms,
  }
}

export interface EngineSetup {
  readonly keys: EngineKeys
  readonly home: string
  readonly network: ShardNetwork
  readonly options?: Partial<BackupOptions>
  readonly disk?: Disk
  readonly clock?: Clock
  /** The test's own thread unless given. */
  readonly threads?: Threads
}

export async function openEngine({
  keys,
  home,
  network,
  options,
  disk,
  clock,
  threads,
}: EngineSetup): Promise<BackupEngine> {
  const paths = {
    catalog: join(home, 'catalog.db'),
    index: join(home, 'index'),
    outbox: join(home, 'outbox'),
    cache: join(home, 'cache'),
  }
  const engine = new BackupEngine(
    { ...defaultBackupOptions, ...options },
    {
      disk: disk ?? systemDisk,
      clock: clock ?? systemClock,
      random: systemRandom,
      log: silentLogger,
      metrics: noMetrics,
      network,
      threads: threads ?? ownThread({ disk: systemBlockingDisk, random: systemRandom }, 2),
      keys,
      home: paths,
    },
  )
  await engine.open()
  return engine
}

/** The last event. */
export async function summaryOf<E extends { readonly type: string }>(
  events: AsyncIterable<E>,
): Promise<Extract<E, { type: 'summary' }>> {
  let last: E | undefined
  for await (const event of events) last = event
  if (last?.type !== 'summary') throw new Error('no summary')
  return last as Extract<E, { type: 'summary' }>
}

export async function temporaryDirectory(t: { teardown(work: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'plexi-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

export const never: AbortSignal = new AbortController().signal

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
