/**
 * The one typed contract of `/api/v1`: per route its role, what it takes and what it answers. The server validates and
 * serialises by it, the client and the tests take their types from it, OpenAPI is generated from it. Spec: docs/API.md
 */
import * as z from 'zod'
import { automationContract } from './contract-automation.ts'
import { deviceContract } from './contract-devices.ts'
import { retentionContract } from './contract-retention.ts'
import { remoteContract } from './contract-remotes.ts'
import { paths, type RouteName, type RouteKind } from './paths.ts'
import { commandRole, type Role } from './roles.ts'
import * as common from './schemas/common.ts'
import * as jobs from './schemas/jobs.ts'
import * as people from './schemas/people.ts'
import * as snapshots from './schemas/snapshots.ts'
import * as system from './schemas/system.ts'

export interface RouteContract {
  readonly role: Role
  /** The role that a body needs where it asks for more than others. */
  readonly roleOf?: (body: unknown) => Role
  readonly summary: string
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  /** Of a `list`: one item. Absent for text, bytes and sockets. */
  readonly response?: z.ZodType
}

const byId = z.strictObject({ id: z.string().min(1).max(128) })
const byRef = z.strictObject({ ref: common.snapshotRef })
const byPair = z.strictObject({ a: common.snapshotRef, b: common.snapshotRef })
const byShard = z.strictObject({ id: snapshots.shardRef })
const byPeer = z.strictObject({ id: common.peerRef })

export const contract = {
  healthLive: { role: 'open', summary: 'The process answers', query: common.none, response: system.live },
  healthReady: { role: 'open', summary: 'All parts are up', query: common.none, response: system.ready },
  metrics: { role: 'viewer', summary: 'Prometheus metrics', query: common.none },
  status: { role: 'viewer', summary: 'Is everything protected?', query: common.none, response: system.status },
  node: { role: 'viewer', summary: 'This daemon', query: common.none, response: system.node },
  shutdown: {
    role: 'admin',
    summary: 'End the daemon cleanly',
    body: system.shutdownRequest,
    response: common.done,
  },
  config: { role: 'viewer', summary: 'Settings and who set them', query: common.none, response: system.config },
  configChange: {
    role: 'admin',
    summary: 'Change settings in the file',
    body: system.configChange,
    response: system.configChanged,
  },
  configValidate: {
    role: 'operator',
    summary: 'Check a configuration file',
    body: system.configText,
    response: common.done,
  },
  events: {
    role: 'viewer',
    summary: 'What happened lately',
    query: common.page.extend({ since: z.coerce.number().int().min(0).default(0) }),
    response: system.event,
  },
  eventSocket: { role: 'viewer', summary: 'WebSocket: events, or one job, as they happen', query: common.none },

  jobs: {
    role: 'viewer',
    summary: 'Jobs, newest first',
    query: common.page.extend({ state: jobs.jobState.optional(), kind: jobs.jobKind.optional() }),
    response: jobs.job,
  },
  job: { role: 'viewer', summary: 'One job', params: byId, query: common.none, response: jobs.job },
  jobCancel: {
    role: 'operator',
    summary: 'Ask a job to stop',
    params: byId,
    body: common.none.nullable(),
    response: jobs.job,
  },
  jobInput: {
    role: 'operator',
    summary: 'The bytes of a stdin backup',
    params: byId,
    query: common.none,
    response: z.object({ bytes: common.uint }),
  },

  snapshots: {
    role: 'viewer',
    summary: 'Snapshots, newest first',
    query: snapshots.snapshotsQuery,
    response: snapshots.snapshot,
  },
  backup: {
    role: 'operator',
    roleOf: commandRole,
    summary: 'Make a snapshot',
    body: jobs.backupRequest,
    response: jobs.job,
  },
  snapshot: {
    role: 'viewer',
    summary: 'One snapshot',
    params: byRef,
    query: common.snapshotFilter,
    response: snapshots.snapshot,
  },
  snapshotTree: {
    role: 'viewer',
    summary: 'What is in a snapshot',
    params: byRef,
    query: snapshots.treeQuery,
    response: snapshots.entry,
  },
  snapshotFile: {
    role: 'operator',
    summary: 'Content of one file, or of a part of it',
    params: byRef,
    query: snapshots.fileQuery,
  },
  snapshotArchive: {
    role: 'operator',
    summary: 'A snapshot, or a part of it, as a tar stream',
    params: byRef,
    query: snapshots.archiveQuery,
  },
  snapshotDiff: {
    role: 'viewer',
    summary: 'What differs between two snapshots',
    params: byPair,
    query: snapshots.diffQuery,
    response: snapshots.difference,
  },
  snapshotRestore: {
    role: 'admin',
    summary: 'Restore to a directory of this machine',
    params: byRef,
    body: jobs.restoreRequest,
    response: jobs.job,
  },
  snapshotVerify: {
    role: 'operator',
    summary: 'Check a snapshot, or `all`',
    params: byRef,
    body: jobs.verifyRequest,
    response: jobs.job,
  },
  search: {
    role: 'viewer',
    summary: 'Find names in snapshots',
    query: snapshots.searchQuery,
    response: snapshots.foundEntry,
  },

  shards: {
    role: 'viewer',
    summary: 'Shards of this vault, or hosted ones',
    query: snapshots.shardsQuery,
    response: snapshots.shardRow,
  },
  shard: {
    role: 'viewer',
    summary: 'One shard',
    params: byShard,
    query: common.none,
    response: snapshots.shardDetail,
  },
  shardProof: {
    role: 'viewer',
    summary: 'A leaf with its Merkle path',
    params: byShard,
    query: snapshots.proofQuery,
    response: snapshots.shardProof,
  },
  shardVerify: {
    role: 'viewer',
    summary: 'Fetch a shard and check its root',
    params: byShard,
    query: common.none,
    response: snapshots.shardCheck,
  },
  shardHolders: {
    role: 'viewer',
    summary: 'Ask the possible holders now',
    params: byShard,
    query: common.none,
    response: z.object({ id: common.hexId, holders: z.array(snapshots.holder) }),
  },
  shardBody: { role: 'operator', summary: 'The sealed bytes of a shard', params: byShard, query: common.none },

  peers: { role: 'viewer', summary: 'Known peers', query: common.page, response: people.peer },
  peerAdd: {
    role: 'operator',
    summary: 'Dial an address and remember the peer',
    body: z.strictObject({ address: people.multiaddrText }),
    response: people.peer,
  },
  peer: { role: 'viewer', summary: 'One peer', params: byPeer, query: common.none, response: people.peer },
  peerPing: {
    role: 'operator',
    summary: 'Is it there, how far away?',
    params: byPeer,
    body: common.none.nullable(),
    response: people.peerPing,
  },
  peerTrust: {
    role: 'admin',
    summary: 'Vouch for a peer, or no longer',
    params: byPeer,
    body: z.strictObject({ trusted: z.boolean(), name: z.string().min(1).max(64).optional() }),
    response: people.peer,
  },
  peerBlock: {
    role: 'admin',
    summary: 'Block a peer, or no longer',
    params: byPeer,
    body: z.strictObject({ blocked: z.boolean() }),
    response: people.peer,
  },
  peerQuota: {
    role: 'admin',
    summary: 'Bytes kept for a peer at most',
    params: byPeer,
    body: z.strictObject({ bytes: common.uint.nullable() }),
    response: people.peer,
  },

  invites: { role: 'admin', summary: 'Open invites', query: common.page, response: people.invite },
  inviteCreate: { role: 'admin', summary: 'Make an invite', body: people.inviteRequest, response: people.newInvite },
  inviteAccept: {
    role: 'admin',
    summary: 'Join by an invite code',
    body: z.strictObject({ code: z.string().min(1).max(8192) }),
    response: people.joined,
  },
  circles: { role: 'viewer', summary: 'Circles of this home', query: common.page, response: people.circle },
  circleCreate: {
    role: 'admin',
    summary: 'Make a private circle',
    body: z.strictObject({ name: z.string().min(1).max(64).optional(), withKey: z.boolean().default(true) }),
    response: people.circle,
  },
  circleLeave: {
    role: 'admin',
    summary: 'Back to the circle `main`',
    body: common.none.nullable(),
    response: people.circle,
  },
  network: { role: 'viewer', summary: 'Addresses, DHT, bootstrap', query: common.none, response: people.network },
  networkCheck: {
    role: 'operator',
    summary: 'Check reachability now',
    body: common.none.nullable(),
    response: people.networkCheck,
  },
  hosting: { role: 'viewer', summary: 'What is held for others', query: common.none, response: people.hosting },
  hostingResize: {
    role: 'admin',
    summary: 'Offer more or less',
    body: z.strictObject({ offer: common.uint }),
    response: people.hosting,
  },

  ...remoteContract,

  identity: { role: 'viewer', summary: 'This device and its vault', query: common.none, response: people.identity },
  identityKit: {
    role: 'admin',
    summary: 'Recovery kit without the words',
    query: common.none,
    response: people.recoveryKit,
  },
  ...deviceContract,

  ...{ ...automationContract, ...retentionContract },
  openapi: { role: 'open', summary: 'This contract as OpenAPI 3.1', query: common.none, response: z.looseObject({}) },
} as const satisfies Record<RouteName, RouteContract>

type Contract = typeof contract

/** What a caller may pass: schemas' inputs, so that defaults may be left out. */
export type RouteInput<N extends RouteName> = Part<N, 'params', 'params'> &
  Part<N, 'query', 'query'> &
  Part<N, 'body', 'body'>
type Part<N extends RouteName, Key extends string, Name extends string> = Contract[N] extends {
  readonly [K in Key]: infer S extends z.ZodType
}
  ? Record<string, never> extends z.input<S>
    ? { readonly [K in Name]?: z.input<S> }
    : { readonly [K in Name]: z.input<S> }
  : unknown

/** One answer document: of a list, one item. */
export type RouteItem<N extends RouteName> = Contract[N] extends { readonly response: infer S extends z.ZodType }
  ? z.output<S>
  : never

/** The parsed value of a part, or undefined where the route has none. */
export type Parsed<N extends RouteName, Key extends 'params' | 'query' | 'body'> = Contract[N] extends {
  readonly [K in Key]: infer S extends z.ZodType
}
  ? z.output<S>
  : undefined

export type RoutesOfKind<K extends RouteKind> = {
  [N in RouteName]: (typeof paths)[N]['kind'] extends K ? N : never
}[RouteName]

/** The full answer schema of a route: lists are wrapped. */
export function responseSchema(name: RouteName): z.ZodType | undefined {
  const response: z.ZodType | undefined = (contract[name] as RouteContract).response
  if (response === undefined) return undefined
  return paths[name].kind === 'list' ? common.listOf(response) : response
}

export {
  problem,
  socketFrame,
  socketHello,
  type Problem,
  type SocketFrame,
  type SocketHello,
} from './schemas/frames.ts'
