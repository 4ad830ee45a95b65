/**
 * Every route of `/api/v1` by name: method, path and kind, without schemas, so that the CLI's client starts fast.
 * `contract.ts` gives each its role and schemas; a missing or superfluous one does not compile. Spec: docs/API.md
 *
 * Kinds: `document` one JSON document · `list` `{items, next}` by cursor · `job` 202 and a job · `text` plain text ·
 * `bytes` octets, streamed · `upload` octets in, streamed · `socket` WebSocket.
 */
export type RouteKind = 'document' | 'list' | 'job' | 'text' | 'bytes' | 'upload' | 'socket'

export interface RoutePath {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `apiPrefix`; parameters as `:name`. */
  readonly path: string
  readonly kind: RouteKind
}

export const apiPrefix = '/api/v1'

export const paths = {
  healthLive: { method: 'GET', path: '/health/live', kind: 'document' },
  healthReady: { method: 'GET', path: '/health/ready', kind: 'document' },
  metrics: { method: 'GET', path: '/metrics', kind: 'text' },
  status: { method: 'GET', path: '/status', kind: 'document' },
  node: { method: 'GET', path: '/node', kind: 'document' },
  shutdown: { method: 'POST', path: '/node/shutdown', kind: 'document' },
  config: { method: 'GET', path: '/config', kind: 'document' },
  configChange: { method: 'PATCH', path: '/config', kind: 'document' },
  configValidate: { method: 'POST', path: '/config/validate', kind: 'document' },
  events: { method: 'GET', path: '/events', kind: 'list' },
  eventSocket: { method: 'GET', path: '/events/ws', kind: 'socket' },

  jobs: { method: 'GET', path: '/jobs', kind: 'list' },
  job: { method: 'GET', path: '/jobs/:id', kind: 'document' },
  jobCancel: { method: 'POST', path: '/jobs/:id/cancel', kind: 'document' },
  jobInput: { method: 'PUT', path: '/jobs/:id/input', kind: 'upload' },

  snapshots: { method: 'GET', path: '/snapshots', kind: 'list' },
  backup: { method: 'POST', path: '/snapshots', kind: 'job' },
  snapshot: { method: 'GET', path: '/snapshots/:ref', kind: 'document' },
  snapshotTree: { method: 'GET', path: '/snapshots/:ref/tree', kind: 'list' },
  snapshotFile: { method: 'GET', path: '/snapshots/:ref/file', kind: 'bytes' },
  snapshotArchive: { method: 'GET', path: '/snapshots/:ref/archive', kind: 'bytes' },
  snapshotDiff: { method: 'GET', path: '/snapshots/:a/diff/:b', kind: 'list' },
  snapshotRestore: { method: 'POST', path: '/snapshots/:ref/restore', kind: 'job' },
  snapshotVerify: { method: 'POST', path: '/snapshots/:ref/verify', kind: 'job' },
  forget: { method: 'POST', path: '/snapshots/forget', kind: 'document' },
  prune: { method: 'POST', path: '/prune', kind: 'job' },
  storage: { method: 'GET', path: '/storage', kind: 'document' },
  storageGc: { method: 'POST', path: '/storage/gc', kind: 'job' },
  search: { method: 'GET', path: '/search', kind: 'list' },

  shards: { method: 'GET', path: '/shards', kind: 'list' },
  shard: { method: 'GET', path: '/shards/:id', kind: 'document' },
  shardProof: { method: 'GET', path: '/shards/:id/proof', kind: 'document' },
  shardVerify: { method: 'GET', path: '/shards/:id/verify', kind: 'document' },
  shardHolders: { method: 'GET', path: '/shards/:id/holders', kind: 'document' },
  shardBody: { method: 'GET', path: '/shards/:id/body', kind: 'bytes' },

  peers: { method: 'GET', path: '/peers', kind: 'list' },
  peerAdd: { method: 'POST', path: '/peers', kind: 'document' },
  peer: { method: 'GET', path: '/peers/:id', kind: 'document' },
  peerPing: { method: 'POST', path: '/peers/:id/ping', kind: 'document' },
  peerTrust: { method: 'PUT', path: '/peers/:id/trust', kind: 'document' },
  peerBlock: { method: 'PUT', path: '/peers/:id/block', kind: 'document' },
  peerQuota: { method: 'PUT', path: '/peers/:id/quota', kind: 'document' },

  invites: { method: 'GET', path: '/invites', kind: 'list' },
  inviteCreate: { method: 'POST', path: '/invites', kind: 'document' },
  inviteAccept: { method: 'POST', path: '/invites/accept', kind: 'document' },
  circles: { method: 'GET', path: '/circles', kind: 'list' },
  circleCreate: { method: 'POST', path: '/circles', kind: 'document' },
  circleLeave: { method: 'POST', path: '/circles/leave', kind: 'document' },
  network: { method: 'GET', path: '/network', kind: 'document' },
  networkCheck: { method: 'POST', path: '/network/check', kind: 'document' },
  hosting: { method: 'GET', path: '/hosting', kind: 'document' },
  hostingResize: { method: 'PATCH', path: '/hosting', kind: 'document' },

  remotes: { method: 'GET', path: '/remotes', kind: 'list' },
  remoteAdd: { method: 'POST', path: '/remotes', kind: 'document' },
  remote: { method: 'GET', path: '/remotes/:id', kind: 'document' },
  remoteRemove: { method: 'DELETE', path: '/remotes/:id', kind: 'document' },
  remoteSeed: { method: 'POST', path: '/remotes/seed', kind: 'job' },
  remoteTest: { method: 'POST', path: '/remotes/:id/test', kind: 'job' },

  hostingAdopt: { method: 'POST', path: '/hosting/adopt', kind: 'job' },

  identity: { method: 'GET', path: '/identity', kind: 'document' },
  identityKit: { method: 'GET', path: '/identity/kit', kind: 'document' },
  devices: { method: 'GET', path: '/devices', kind: 'list' },
  vaultRecord: { method: 'GET', path: '/devices/record', kind: 'document' },
  vaultRecordChange: { method: 'POST', path: '/devices/record', kind: 'document' },
  deviceCodeOpen: { method: 'POST', path: '/devices/codes', kind: 'document' },
  deviceCode: { method: 'GET', path: '/devices/codes/:id', kind: 'document' },
  deviceCodeAnswer: { method: 'POST', path: '/devices/codes/:id', kind: 'document' },
  deviceCodeClose: { method: 'DELETE', path: '/devices/codes/:id', kind: 'document' },
  deviceSync: { method: 'POST', path: '/devices/sync', kind: 'document' },
  deviceUnlock: { method: 'POST', path: '/devices/unlock', kind: 'document' },

  sources: { method: 'GET', path: '/sources', kind: 'list' },
  sourceAdd: { method: 'POST', path: '/sources', kind: 'document' },
  source: { method: 'GET', path: '/sources/:id', kind: 'document' },
  sourceRemove: { method: 'DELETE', path: '/sources/:id', kind: 'document' },
  sourceEstimate: { method: 'POST', path: '/sources/:id/estimate', kind: 'job' },
  schedules: { method: 'GET', path: '/schedules', kind: 'list' },
  scheduleAdd: { method: 'POST', path: '/schedules', kind: 'document' },
  schedule: { method: 'GET', path: '/schedules/:id', kind: 'document' },
  scheduleChange: { method: 'PATCH', path: '/schedules/:id', kind: 'document' },
  scheduleRemove: { method: 'DELETE', path: '/schedules/:id', kind: 'document' },
  scheduleRun: { method: 'POST', path: '/schedules/:id/run', kind: 'job' },
  policy: { method: 'GET', path: '/policies/:scope', kind: 'document' },
  policySet: { method: 'PUT', path: '/policies/:scope', kind: 'document' },
  notifications: { method: 'GET', path: '/notifications', kind: 'list' },
  notificationAdd: { method: 'POST', path: '/notifications', kind: 'document' },
  notificationRemove: { method: 'DELETE', path: '/notifications/:id', kind: 'document' },
  notificationTest: { method: 'POST', path: '/notifications/:id/test', kind: 'document' },
  webhooks: { method: 'GET', path: '/webhooks', kind: 'list' },
  webhookAdd: { method: 'POST', path: '/webhooks', kind: 'document' },
  openapi: { method: 'GET', path: '/openapi.json', kind: 'document' },
} as const satisfies Record<string, RoutePath>

export type RouteName = keyof typeof paths
