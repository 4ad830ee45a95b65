/**
 * What the API calls: the services that the composition root implements. Everything is a JSON-ready value of
 * `schemas/`; failures are `PlexiError`s; every wait takes the signal that fires when the caller has gone away.
 * Lists may be arrays or iterators: the API cuts them into pages, the order must be stable between two calls.
 */
import type {
  NewWebhook,
  NotificationRequest,
  Policy,
  PolicyView,
  Schedule,
  ScheduleDetail,
  ScheduleRequest,
  Source,
  SourceRequest,
  Target,
  TargetTest,
  WebhookRequest,
} from './schemas/automation.ts'
import type { Page, SnapshotFilter } from './schemas/common.ts'
import type { BackupRequest, Job, JobEvent, JobKind, JobState, RestoreRequest, VerifyRequest } from './schemas/jobs.ts'
import type {
  Circle,
  Device,
  Hosting,
  Identity,
  Invite,
  InviteRequest,
  Joined,
  Network,
  NetworkCheck,
  NewInvite,
  Peer,
  PeerPing,
  RecoveryKit,
  DeviceCodeAnswer,
  DeviceCodeAnswered,
  DeviceCodeOpened,
  DeviceCodeState,
  DeviceSync,
  VaultRecordChange,
  VaultRecordChanged,
  VaultRecordInfo,
} from './schemas/people.ts'
import type { Remote } from './schemas/remotes.ts'
import type { Forgotten, ForgetRequest, PruneRequest, Storage } from './schemas/retention.ts'
import type {
  Difference,
  Entry,
  FoundEntry,
  HolderRow,
  ShardCheck,
  ShardDetail,
  ShardFilter,
  ShardProof,
  ShardRow,
  Snapshot,
} from './schemas/snapshots.ts'
import type { Config, ConfigChange, ConfigChanged, DaemonEvent, NodeInfo, Ready, Status } from './schemas/system.ts'

export type Listing<T> = Iterable<T> | AsyncIterable<T>
export type { Page, SnapshotFilter }

export interface ApiServices {
  readonly system: SystemService
  readonly config: ConfigService
  readonly events: EventService
  readonly jobs: JobService
  readonly snapshots: SnapshotService
  readonly retention: RetentionService
  readonly shards: ShardService
  readonly peers: PeerService
  readonly circles: CircleService
  readonly hosting: HostingService
  readonly remotes: RemoteService
  readonly identity: IdentityService
  readonly sources: SourceService
  readonly schedules: ScheduleService
  readonly notifications: NotificationService
}

export interface SystemService {
  ready(signal: AbortSignal): Promise<Ready>
  /** Prometheus text format 0.0.4. */
  metrics(signal: AbortSignal): Promise<string>
  status(signal: AbortSignal): Promise<Status>
  node(signal: AbortSignal): Promise<NodeInfo>
  /** Begins a clean shutdown and returns at once; the process ends after the answer was sent. */
  shutdown(reason: string): void
}

export interface ConfigService {
  show(signal: AbortSignal): Promise<Config>
  /** Checks all, then writes the file and reloads. `CONFIG_UNKNOWN_KEY`, `CONFIG_INVALID`. */
  change(change: ConfigChange, signal: AbortSignal): Promise<ConfigChanged>
  /** Throws as `change` does, changes nothing. */
  validate(toml: string, signal: AbortSignal): Promise<void>
}

export interface EventService {
  /** Events kept in memory with a number above `since`, oldest first. */
  list(since: number): Listing<DaemonEvent>
  /** The same, then every new one until the signal fires. */
  follow(since: number, signal: AbortSignal): AsyncIterable<DaemonEvent>
}

/** One event of a job with its number in that job, from 1. */
export interface NumberedJobEvent {
  readonly seq: number
  readonly time: string
  readonly event: JobEvent
}

export interface JobService {
  /** Newest first. */
  list(filter: { readonly state?: JobState; readonly kind?: JobKind }): Listing<Job>
  /** `SYSTEM_JOB_NOT_FOUND`. An unambiguous start of the id will do. */
  get(id: string): Promise<Job>
  /** Asks it to stop; returns the job as it is then. A job that has ended stays as it is. */
  cancel(id: string): Promise<Job>
  /**
   * Events numbered above `since` (progress events may be thinned out), then new ones; ends by itself after the
   * job's last event (`summary` or `error`), also for a job that ended earlier.
   */
  follow(id: string, since: number, signal: AbortSignal): AsyncIterable<NumberedJobEvent>
  /**
   * The body of a `stdin` backup, once per job. Resolves when all was taken. When `body` throws, the job fails: half an
   * input never becomes a snapshot. `SYSTEM_JOB_NOT_FOUND`, `VALIDATION_USAGE` where the job wants none.
   */
  input(id: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ bytes: number }>
}

export interface SnapshotPlace {
  readonly ref: string
  readonly path?: string
}

/** A path, name by name and byte by byte: lists go on behind it. */
export type Names = readonly Uint8Array[]

export interface SnapshotService {
  /** Newest first. */
  list(filter: SnapshotFilter): Listing<Snapshot>
  /** `STORAGE_SNAPSHOT_NOT_FOUND`. */
  get(ref: string, filter: SnapshotFilter): Promise<Snapshot>
  /** Starts the job and returns it; its summary has the fields of `BackupSummary`. */
  backup(request: BackupRequest): Promise<Job>
  /** Entries of a directory (or the file itself), or with `recursive` of all below, by path. `STORAGE_PATH_NOT_FOUND`. */
  tree(
    at: SnapshotPlace & { readonly filter: SnapshotFilter; readonly recursive: boolean; readonly after?: Names },
    signal: AbortSignal,
  ): Listing<Entry>
  /** What became of `a` in `b`, by path: of their tops or of what lies at `path`. `STORAGE_PATH_NOT_FOUND`, `VALIDATION_USAGE`. */
  diff(
    sides: {
      readonly a: SnapshotPlace
      readonly b: SnapshotPlace
      readonly filter: SnapshotFilter
      readonly after?: Names
    },
    signal: AbortSignal,
  ): Listing<Difference>
  /** Content of one file, or of the part of `range` that it has. Fails before its first byte where it can. */
  file(
    at: {
      readonly ref: string
      readonly filter: SnapshotFilter
      readonly path: string
      readonly range: { readonly from: number; readonly length: number }
    },
    signal: AbortSignal,
  ): Promise<{ readonly size: number; readonly body: AsyncIterable<Uint8Array> }>
  /** A tar stream of what lies at `path`, or of everything. Breaks off where something cannot be read. */
  archive(at: SnapshotPlace, filter: SnapshotFilter, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Starts the job; its summary has the fields of `RestoreSummary`. */
  restore(ref: string, request: RestoreRequest): Promise<Job>
  /** `ref` `all` checks everything. Starts the job; its summary has the fields of `VerifySummary`. */
  verify(ref: string, request: VerifyRequest): Promise<Job>
  find(
    query: {
      readonly pattern: string
      readonly snapshot?: string
      readonly after?: { readonly snapshot: string; readonly names: Names }
    },
    signal: AbortSignal,
  ): Listing<FoundEntry>
}

export interface RetentionService {
  /** `STORAGE_SNAPSHOT_NOT_FOUND`, `STORAGE_FORGET_ALL`, `STORAGE_FORGET_LIMIT`, `VALIDATION_USAGE`. */
  forget(request: ForgetRequest): Promise<Forgotten>
  /** Starts the job; its summary has the fields of `PruneSummary`. One that waits for other devices gives way. */
  prune(request: PruneRequest): Promise<Job>
  /** Starts the job; its summary has the fields of `GcSummary`. */
  gc(): Promise<Job>
  storage(): Promise<Storage>
}

/** Ids may be shortened while unambiguous: `STORAGE_SHARD_NOT_FOUND`. Own shards and hosted ones alike. */
export interface ShardService {
  list(filter: ShardFilter, signal: AbortSignal): Listing<ShardRow>
  get(id: string, signal: AbortSignal): Promise<ShardDetail>
  proof(id: string, leaf: number, signal: AbortSignal): Promise<ShardProof>
  verify(id: string, signal: AbortSignal): Promise<ShardCheck>
  /** Asks the possible holders now. */
  locate(id: string, signal: AbortSignal): Promise<{ id: string; holders: HolderRow[] }>
  /** The sealed 1 MiB, checked against the id. */
  fetch(id: string, signal: AbortSignal): Promise<Uint8Array>
}

/** Peers are named by id, a start of it, or the name they are known by: `STORAGE_NOT_FOUND`. */
export interface PeerService {
  list(signal: AbortSignal): Listing<Peer>
  get(peer: string, signal: AbortSignal): Promise<Peer>
  /** Dials the multiaddr and remembers the peer. `NETWORK_ADDRESS`, `NETWORK_UNREACHABLE`. */
  add(address: string, signal: AbortSignal): Promise<Peer>
  ping(peer: string, signal: AbortSignal): Promise<PeerPing>
  trust(peer: string, change: { readonly trusted: boolean; readonly name?: string }, signal: AbortSignal): Promise<Peer>
  block(peer: string, blocked: boolean, signal: AbortSignal): Promise<Peer>
  /** `null`: back to the general rules. */
  quota(peer: string, bytes: number | null, signal: AbortSignal): Promise<Peer>
}

export interface CircleService {
  invites(): Listing<Invite>
  invite(request: InviteRequest, signal: AbortSignal): Promise<NewInvite>
  /** `SECURITY_INVITE`, `NETWORK_UNREACHABLE`. */
  join(code: string, signal: AbortSignal): Promise<Joined>
  list(): Listing<Circle>
  create(request: { readonly name?: string; readonly withKey: boolean }, signal: AbortSignal): Promise<Circle>
  /** Back to the circle `main`. */
  leave(signal: AbortSignal): Promise<Circle>
  network(signal: AbortSignal): Promise<Network>
  check(signal: AbortSignal): Promise<NetworkCheck>
}

export interface HostingService {
  show(signal: AbortSignal): Promise<Hosting>
  /** Bytes offered in total from now on; what is held stays. */
  resize(offerBytes: number, signal: AbortSignal): Promise<Hosting>
  /** Starts the job that takes in a seed; its summary is an `AdoptSummary`. */
  adopt(path: string): Promise<Job>
}

/** Remotes are named by id or a start of it: `STORAGE_NOT_FOUND`. */
export interface RemoteService {
  list(signal: AbortSignal): Listing<Remote>
  get(id: string, signal: AbortSignal): Promise<Remote>
  /** An absolute path. `STORAGE_REMOTE_FOREIGN`, `STORAGE_REMOTE_ABSENT`. */
  add(path: string, signal: AbortSignal): Promise<Remote>
  /** `STORAGE_REMOTE_LAST_COPY` unless forced. */
  remove(id: string, force: boolean): Promise<void>
  /** Starts the job; its summary is a `SeedSummary`. `STORAGE_NOT_FOUND` for an unknown peer. */
  seed(path: string, peer: string): Promise<Job>
  /** Starts the job; its summary is a `RemoteTestSummary`. */
  test(id: string, all: boolean): Promise<Job>
}

export interface IdentityService {
  show(): Promise<Identity>
  kit(): Promise<RecoveryKit>
  devices(): Listing<Device>
  record(): Promise<VaultRecordInfo>
  /** `SECURITY_ROLLBACK` for what does not follow, `SECURITY_*` for what the vault did not sign. */
  changeRecord(change: VaultRecordChange, signal: AbortSignal): Promise<VaultRecordChanged>
  /** `NETWORK_ADDRESS` where nobody can reach this node. */
  openCode(lifeMs: number): Promise<DeviceCodeOpened>
  /** `SECURITY_DEVICE_CODE` with the reason once the code has ended. */
  code(id: string): Promise<DeviceCodeState>
  /** Throws as `code` and `changeRecord` do, and `VALIDATION_USAGE` where nobody waits for an answer. */
  answerCode(id: string, answer: DeviceCodeAnswer, signal: AbortSignal): Promise<DeviceCodeAnswered>
  closeCode(id: string): Promise<void>
  /** `NETWORK_NO_BOOTSTRAP`. */
  sync(signal: AbortSignal): Promise<DeviceSync>
  /** `SECURITY_SIGNATURE`, `AUTH_FORBIDDEN` for a proof that is too old or of another device. */
  unlock(proof: string): Promise<void>
}

/** What is backed up again and again: `STORAGE_SOURCE_NOT_FOUND`. */
export interface SourceService {
  list(): Listing<Source>
  get(name: string): Promise<Source>
  /** `STORAGE_EXISTS` unless it is to be replaced. */
  add(request: SourceRequest): Promise<Source>
  remove(name: string): Promise<void>
  /** Starts the job; its summary has the fields of `BackupSummary`. */
  estimate(name: string): Promise<Job>
  /** `scope` is a source's name or `default`. */
  policy(scope: string): Promise<PolicyView>
  setPolicy(scope: string, policy: Policy): Promise<PolicyView>
}

/** Schedules are named by id or an unambiguous start of it: `STORAGE_NOT_FOUND`. */
export interface ScheduleService {
  list(): Listing<Schedule>
  get(id: string): Promise<ScheduleDetail>
  /** `VALIDATION_USAGE` for what is no cron expression or time zone. */
  add(request: ScheduleRequest): Promise<Schedule>
  pause(id: string, paused: boolean): Promise<Schedule>
  remove(id: string): Promise<void>
  /** Starts the job. `SYSTEM_BUSY` while the source is being backed up. */
  run(id: string): Promise<Job>
}

/** Who is told of alarms and runs, by name: `STORAGE_NOT_FOUND`. */
export interface NotificationService {
  list(): Listing<Target>
  /** `STORAGE_EXISTS`, `NETWORK_ADDRESS`. */
  addWebhook(request: WebhookRequest): Promise<NewWebhook>
  addCommand(request: NotificationRequest): Promise<Target>
  remove(name: string): Promise<void>
  /** Sends one message now and waits for what becomes of it. */
  test(name: string, signal: AbortSignal): Promise<TargetTest>
}
