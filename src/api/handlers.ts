/** Each route's call into the services. No logic here: validated input goes in, what the service says comes out. */
import type { Parsed, RouteItem, RoutesOfKind } from './contract.ts'
import type { RouteKind, RouteName } from './paths.ts'
import type { ResumableListing } from './pagination.ts'
import { behind, behindFound, pathKey } from './path-key.ts'
import type { ApiServices, Listing, SnapshotPlace } from './services.ts'
import type { SnapshotFilter } from './schemas/common.ts'

export interface Call<N extends RouteName> {
  readonly services: ApiServices
  readonly params: Parsed<N, 'params'>
  readonly query: Parsed<N, 'query'>
  readonly body: Parsed<N, 'body'>
  /** Fires when the caller has gone away. */
  readonly signal: AbortSignal
}

/** A list's items and what tells two of them apart. */
export interface ListAnswer<T> {
  readonly items: Listing<T> | ResumableListing<T>
  readonly key: (item: T) => string
}
export interface BytesAnswer {
  /** Null: not known before the end. */
  readonly size: number | null
  readonly body: AsyncIterable<Uint8Array>
}
export interface UploadCall extends Call<'jobInput'> {
  readonly input: AsyncIterable<Uint8Array>
}

type Handlers<K extends RouteKind, Answer> = {
  readonly [N in RoutesOfKind<K>]: (call: Call<N>) => Answer extends 'item' ? Promise<RouteItem<N>> : Answer
}
type ListHandlers = { readonly [N in RoutesOfKind<'list'>]: (call: Call<N>) => ListAnswer<RouteItem<N>> }

export const documents: Handlers<'document' | 'job', 'item'> = {
  healthLive: () => Promise.resolve({ ok: true }),
  healthReady: ({ services, signal }) => services.system.ready(signal),
  status: ({ services, signal }) => services.system.status(signal),
  node: ({ services, signal }) => services.system.node(signal),
  shutdown: ({ services, body }) => {
    services.system.shutdown(body.reason ?? 'asked to by the API')
    return Promise.resolve({ ok: true })
  },
  config: ({ services, signal }) => services.config.show(signal),
  configChange: ({ services, body, signal }) => services.config.change(body, signal),
  configValidate: async ({ services, body, signal }) => {
    await services.config.validate(body.toml, signal)
    return { ok: true }
  },

  job: ({ services, params }) => services.jobs.get(params.id),
  jobCancel: ({ services, params }) => services.jobs.cancel(params.id),

  backup: ({ services, body }) => services.snapshots.backup(body),
  snapshot: ({ services, params, query }) => services.snapshots.get(params.ref, query),
  snapshotRestore: ({ services, params, body }) => services.snapshots.restore(params.ref, body),
  snapshotVerify: ({ services, params, body }) => services.snapshots.verify(params.ref, body),

  forget: ({ services, body }) => services.retention.forget(body),
  prune: ({ services, body }) => services.retention.prune(body),
  storage: ({ services }) => services.retention.storage(),
  storageGc: ({ services }) => services.retention.gc(),

  shard: ({ services, params, signal }) => services.shards.get(params.id, signal),
  shardProof: ({ services, params, query, signal }) => services.shards.proof(params.id, query.leaf, signal),
  shardVerify: ({ services, params, signal }) => services.shards.verify(params.id, signal),
  shardHolders: ({ services, params, signal }) => services.shards.locate(params.id, signal),

  peer: ({ services, params, signal }) => services.peers.get(params.id, signal),
  peerAdd: ({ services, body, signal }) => services.peers.add(body.address, signal),
  peerPing: ({ services, params, signal }) => services.peers.ping(params.id, signal),
  peerTrust: ({ services, params, body, signal }) => {
    const { trusted, name } = body
    return services.peers.trust(params.id, { trusted, ...(name === undefined ? {} : { name }) }, signal)
  },
  peerBlock: ({ services, params, body, signal }) => services.peers.block(params.id, body.blocked, signal),
  peerQuota: ({ services, params, body, signal }) => services.peers.quota(params.id, body.bytes, signal),

  inviteCreate: ({ services, body, signal }) => services.circles.invite(body, signal),
  inviteAccept: ({ services, body, signal }) => services.circles.join(body.code, signal),
  circleCreate: ({ services, body, signal }) => {
    const { name, withKey } = body
    return services.circles.create({ withKey, ...(name === undefined ? {} : { name }) }, signal)
  },
  circleLeave: ({ services, signal }) => services.circles.leave(signal),
  network: ({ services, signal }) => services.circles.network(signal),
  networkCheck: ({ services, signal }) => services.circles.check(signal),
  hosting: ({ services, signal }) => services.hosting.show(signal),
  hostingResize: ({ services, body, signal }) => services.hosting.resize(body.offer, signal),

  remoteAdd: ({ services, body, signal }) => services.remotes.add(body.path, signal),
  remote: ({ services, params, signal }) => services.remotes.get(params.id, signal),
  remoteRemove: async ({ services, params, query }) => {
    await services.remotes.remove(params.id, query.force ?? false)
    return { ok: true }
  },
  remoteSeed: ({ services, body }) => services.remotes.seed(body.path, body.peer),
  hostingAdopt: ({ services, body }) => services.hosting.adopt(body.path),
  remoteTest: ({ services, params, body }) => services.remotes.test(params.id, body.all),

  identity: ({ services }) => services.identity.show(),
  identityKit: ({ services }) => services.identity.kit(),
  vaultRecord: ({ services }) => services.identity.record(),
  vaultRecordChange: ({ services, body, signal }) => services.identity.changeRecord(body, signal),
  deviceCodeOpen: ({ services, body }) => services.identity.openCode(body.expiresMs),
  deviceCode: ({ services, params }) => services.identity.code(params.id),
  deviceCodeAnswer: ({ services, params, body, signal }) => services.identity.answerCode(params.id, body, signal),
  deviceCodeClose: ({ services, params }) => done(services.identity.closeCode(params.id)),
  deviceSync: ({ services, signal }) => services.identity.sync(signal),
  deviceUnlock: async ({ services, body }) => {
    await services.identity.unlock(body.proof)
    return { ok: true }
  },

  source: ({ services, params }) => services.sources.get(params.id),
  sourceAdd: ({ services, body }) => services.sources.add(body),
  sourceRemove: ({ services, params }) => done(services.sources.remove(params.id)),
  sourceEstimate: ({ services, params }) => services.sources.estimate(params.id),
  policy: ({ services, params }) => services.sources.policy(params.scope),
  policySet: ({ services, params, body }) => services.sources.setPolicy(params.scope, body),
  schedule: ({ services, params }) => services.schedules.get(params.id),
  scheduleAdd: ({ services, body }) => services.schedules.add(body),
  scheduleChange: ({ services, params, body }) => services.schedules.pause(params.id, body.paused),
  scheduleRemove: ({ services, params }) => done(services.schedules.remove(params.id)),
  scheduleRun: ({ services, params }) => services.schedules.run(params.id),
  notificationAdd: ({ services, body }) => services.notifications.addCommand(body),
  notificationRemove: ({ services, params }) => done(services.notifications.remove(params.id)),
  notificationTest: ({ services, params, signal }) => services.notifications.test(params.id, signal),
  webhookAdd: ({ services, body }) => services.notifications.addWebhook(body),
  // Answered by the server itself, from the contract.
  openapi: () => Promise.resolve({}),
}

export const lists: ListHandlers = {
  events: ({ services, query }) => ({ items: services.events.list(query.since), key: (event) => String(event.seq) }),
  jobs: ({ services, query }) => {
    const { state, kind } = query
    const filter = { ...(state === undefined ? {} : { state }), ...(kind === undefined ? {} : { kind }) }
    return { items: services.jobs.list(filter), key: (job) => job.id }
  },
  snapshots: ({ services, query }) => ({ items: services.snapshots.list(filterOf(query)), key: (item) => item.id }),
  snapshotTree: ({ services, params, query, signal }) => {
    const where = { ref: params.ref, filter: filterOf(query), recursive: query.recursive ?? false }
    const at = query.at === undefined ? where : { ...where, path: query.at }
    return { items: (after) => services.snapshots.tree({ ...at, ...behind(after) }, signal), key: pathKey }
  },
  snapshotDiff: ({ services, params, query, signal }) => {
    const sides = { a: placeOf(params.a, query.aAt), b: placeOf(params.b, query.bAt), filter: filterOf(query) }
    return { items: (after) => services.snapshots.diff({ ...sides, ...behind(after) }, signal), key: pathKey }
  },
  search: ({ services, query, signal }) => {
    const { pattern, snapshot } = query
    const what = { pattern, ...(snapshot === undefined ? {} : { snapshot }) }
    return {
      items: (after) => services.snapshots.find({ ...what, ...behindFound(after) }, signal),
      key: (entry) => `${entry.snapshot}:${pathKey(entry)}`,
    }
  },
  shards: ({ services, query, signal }) => {
    const { snapshot, peer, hosted } = query
    const filter = {
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(peer === undefined ? {} : { peer }),
      ...(hosted === undefined ? {} : { hosted }),
    }
    return { items: services.shards.list(filter, signal), key: (shard) => `${shard.id}/${shard.vault ?? ''}` }
  },
  peers: ({ services, signal }) => ({ items: services.peers.list(signal), key: (peer) => peer.peer }),
  invites: ({ services }) => ({ items: services.circles.invites(), key: (invite) => invite.id }),
  circles: ({ services }) => ({ items: services.circles.list(), key: (circle) => circle.circle }),
  sources: ({ services }) => ({ items: services.sources.list(), key: (source) => source.name }),
  schedules: ({ services }) => ({ items: services.schedules.list(), key: (schedule) => schedule.id }),
  notifications: ({ services }) => ({ items: services.notifications.list(), key: (target) => target.name }),
  webhooks: ({ services }) => ({
    items: only(services.notifications.list(), ({ kind }) => kind === 'webhook'),
    key: (target) => target.name,
  }),
  remotes: ({ services, signal }) => ({ items: services.remotes.list(signal), key: (remote) => remote.id }),
  devices: ({ services }) => ({ items: services.identity.devices(), key: (device) => String(device.serial) }),
}

export const texts: Handlers<'text', Promise<string>> = {
  metrics: ({ services, signal }) => services.system.metrics(signal),
}

export const bodies: Handlers<'bytes', Promise<BytesAnswer>> = {
  snapshotFile: ({ services, params, query, signal }) => {
    const { at: path, from = 0, length = Number.MAX_SAFE_INTEGER } = query
    const range = { from, length }
    return services.snapshots.file({ ref: params.ref, filter: filterOf(query), path, range }, signal)
  },
  snapshotArchive: async ({ services, params, query, signal }) => {
    return { size: null, body: services.snapshots.archive(placeOf(params.ref, query.at), filterOf(query), signal) }
  },
  shardBody: async ({ services, params, signal }) => {
    const bytes = await services.shards.fetch(params.id, signal)
    return { size: bytes.length, body: once(bytes) }
  },
}

export const uploads = {
  jobInput: ({ services, params, input, signal }: UploadCall) => services.jobs.input(params.id, input, signal),
}

function placeOf(ref: string, path: string | undefined): SnapshotPlace {
  return path === undefined ? { ref } : { ref, path }
}

function filterOf(query: SnapshotFilter): SnapshotFilter {
  const { tag, path, name, device } = query
  return {
    ...(tag === undefined ? {} : { tag }),
    ...(path === undefined ? {} : { path }),
    ...(name === undefined ? {} : { name }),
    ...(device === undefined ? {} : { device }),
  }
}

async function done(work: Promise<void>): Promise<{ ok: true }> {
  await work
  return { ok: true }
}

async function* only<T>(items: Listing<T>, wanted: (item: T) => boolean): AsyncGenerator<T> {
  for await (const item of items) if (wanted(item)) yield item
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
