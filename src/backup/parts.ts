/** What the parts of the engine share. One place, so that their constructors stay short. */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Random } from '../base/random.ts'
import type { Threads } from '../base/threads.ts'
import type { ShardNetwork } from '../shard/index.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { ChunkIndex } from './catalogue/chunk-index.ts'
import type { EngineKeys } from './engine-keys.ts'
import type { KernelPool } from './kernel/pool.ts'
import type { BackupOptions } from './options.ts'
import type { Places } from './remotes/places.ts'
import type { DecodedSnapshots } from './snapshot/decoded.ts'
import type { RemoteBook } from './remotes/remote-book.ts'
import type { InlineStore } from './store/inline-store.ts'
import type { Outbox } from './store/outbox.ts'

export interface EngineHome {
  /** Path of `catalog.db`. */
  readonly catalog: string
  /** Directory of the chunk index. */
  readonly index: string
  /** Directory of sealed shards that wait for hosts. */
  readonly outbox: string
  /** Directory of what may be removed at any time: copies of databases while they are read. */
  readonly cache: string
}

export interface EngineDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly network: ShardNetwork
  readonly threads: Threads
  readonly keys: EngineKeys
  readonly home: EngineHome
}

export interface Parts extends EngineDeps {
  /** Hosts and remotes together. */
  readonly network: Places
  /** Hosts alone. */
  readonly hosts: ShardNetwork
  readonly remotes: RemoteBook
  readonly options: BackupOptions
  readonly catalogue: Catalogue
  readonly index: ChunkIndex
  readonly outbox: Outbox
  readonly inline: InlineStore
  readonly kernel: KernelPool
  readonly decoded: DecodedSnapshots
}
