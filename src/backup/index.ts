/** Public face of the backup room. */
export type { Adoption, Alarm } from './adopt/adopt.ts'
export { BackupEngine } from './engine.ts'
export { DirectoryNetwork, type DirectoryNetworkOptions } from './local/directory-network.ts'
export { defaultBackupOptions, type BackupOptions } from './options.ts'
export type { EngineKeys } from './engine-keys.ts'
export { ownThread } from './kernel/own-thread.ts'
export type { EngineDeps, EngineHome } from './parts.ts'
export type { RemoteDesk, RemoteFigures, RemoteInfo } from './remotes/desk.ts'
export type { RemoteState } from './remotes/remote-book.ts'
export { REMOTE_PEER } from './remotes/remote-group.ts'
export type { SeedEvent, SeedSummary } from './seed/seed-writer.ts'
export type { RemoteTestEvent, RemoteTestSummary } from './remotes/remote-test.ts'
export type { Difference, Found, Place } from './read/browse.ts'
export type { Entry, Names, PathText } from './read/entry.ts'
export type { ShardDetail, ShardFilter, ShardInfo } from './read/shard-list.ts'
export type {
  BackupEvent,
  BackupProgress,
  BackupRequest,
  BackupSummary,
  BadShard,
  CollectSummary,
  DrainEvent,
  DrainSummary,
  EngineStatus,
  ExportFound,
  Failed,
  Note,
  Progress,
  PruneEvent,
  PruneProgress,
  PruneRequest,
  PruneSummary,
  RestoreEvent,
  RestorePlan,
  RestoreRequest,
  RestoreSummary,
  Skipped,
  SnapshotFilter,
  SnapshotInfo,
  SnapshotMark,
  StripeHosts,
  VerifyEvent,
  VerifyRequest,
  VerifySummary,
} from './requests.ts'
export type { ForgetRequest, ForgetResult } from './retention/forget.ts'
export type { GroupKey } from './retention/groups.ts'
export {
  applyPolicy,
  isEmpty,
  type Kept,
  type PolicyTime,
  type RetentionPolicy,
  type Retained,
  type Verdict,
} from './retention/policy.ts'
export { splitReference } from './snapshot/find.ts'
export type { SnapshotId } from './snapshot/snapshot.ts'
