/** What the parts of the engine share. One place, so that their constructors stay short. */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Random } from '../base/random.ts'
import { PlexiError } from '../base/errors.ts'
import type { EpochKey } from '../crypto/authority.ts'
import type { PeerKey, VaultId } from '../crypto/ids.ts'
import type { SigningKey } from '../crypto/signature.ts'
import type { SharedKeys } from '../crypto/vault-keys.ts'
import type { ShardNetwork } from '../shard/index.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { ChunkIndex } from './catalogue/chunk-index.ts'
import type { BackupOptions } from './options.ts'
import type { InlineStore } from './store/inline-store.ts'
import type { Outbox } from './store/outbox.ts'

/** Keys of this device that the engine needs; nothing of the vault itself. */
export interface EngineKeys {
  readonly vault: VaultId
  readonly device: PeerKey
  readonly serial: number
  readonly sign: SigningKey
  readonly shared: SharedKeys
  readonly epochs: readonly EpochKey[]
  readonly authority: Uint8Array
  readonly terms: Uint8Array
}

export interface EngineHome {
  /** Path of `catalog.db`. */
  readonly catalog: string
  /** Directory of the chunk index. */
  readonly index: string
  /** Directory of sealed shards that wait for hosts. */
  readonly outbox: string
}

export interface EngineDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly network: ShardNetwork
  readonly keys: EngineKeys
  readonly home: EngineHome
}

export interface Parts extends EngineDeps {
  readonly options: BackupOptions
  readonly catalogue: Catalogue
  readonly index: ChunkIndex
  readonly outbox: Outbox
  readonly inline: InlineStore
}

export function newestEpoch(keys: EngineKeys): EpochKey {
  const newest = keys.epochs.toSorted((a, b) => b.epoch - a.epoch)[0]
  if (newest === undefined) throw new PlexiError('SECURITY_SEALED', { what: 'vault', reason: 'no epoch key' })
  return newest
}

export function epochKeyOf(keys: EngineKeys): (epoch: number) => Uint8Array | undefined {
  return (epoch) => keys.epochs.find((key) => key.epoch === epoch)?.key
}
