/** The public face of the API room: the contract, its server and client, and the services it calls. */
export { createApiServer } from './create-server.ts'
export type { ApiServer, ApiServerDeps } from './server.ts'
export { definitionReader } from './read-definition.ts'
export { ApiClient } from './client.ts'
export type { ApiAddress } from './client-address.ts'
export { apiDefaults, type ApiOptions } from './options.ts'
export { apiPrefix, paths, type RouteName } from './paths.ts'
export type { RouteInput, RouteItem, SocketFrame, SocketHello } from './contract.ts'
export type { Role } from './roles.ts'
export { failureOf, problemOf, errorOfProblem } from './problem.ts'
export { singleToken, type Caller, type TokenCheck } from './shield.ts'
export type {
  ApiServices,
  CircleService,
  ConfigService,
  EventService,
  HostingService,
  IdentityService,
  JobService,
  Listing,
  NumberedJobEvent,
  PeerService,
  RemoteService,
  RetentionService,
  ShardService,
  SnapshotPlace,
  SnapshotService,
  ScheduleService,
  SourceService,
  NotificationService,
  SystemService,
} from './services.ts'
export type { SnapshotFilter } from './schemas/common.ts'
export type {
  BackupRequest,
  BackupSummary,
  Failure,
  Job,
  JobEvent,
  JobKind,
  JobState,
  NoteEvent,
  ProgressEvent,
  RestoreRequest,
  RestoreSummary,
  SavedEvent,
  VerifyRequest,
  VerifySummary,
} from './schemas/jobs.ts'
export type {
  ForgetRequest,
  Forgotten,
  GcSummary,
  PruneRequest,
  PruneSummary,
  RetentionPolicy,
  Storage,
} from './schemas/retention.ts'
export type {
  Circle,
  Device,
  DeviceCodeAnswer,
  DeviceCodeAnswered,
  DeviceCodeOpened,
  DeviceCodeState,
  DeviceSync,
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
  VaultRecordChange,
  VaultRecordChanged,
  VaultRecordInfo,
} from './schemas/people.ts'
export type { AdoptSummary, Remote, RemoteTestSummary, SeedSummary } from './schemas/remotes.ts'
export type {
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
export type {
  Alarm,
  Config,
  ConfigChange,
  ConfigChanged,
  DaemonEvent,
  NodeInfo,
  Ready,
  Setting,
  Status,
} from './schemas/system.ts'
export type {
  NewWebhook,
  NotificationRequest,
  Policy,
  PolicyView,
  Run,
  RunState,
  Schedule,
  ScheduleDetail,
  ScheduleRequest,
  Source,
  SourceDefinition,
  SourceRequest,
  Target,
  TargetTest,
  WebhookRequest,
} from './schemas/automation.ts'
