/** A service set that remembers what it was asked and answers small fixed documents: the API alone is under test. */
import { PlexiError } from '../../src/base/errors.ts'
import type {
  ApiServices,
  DaemonEvent,
  Entry,
  Hosting,
  Identity,
  Job,
  JobEvent,
  Network,
  Peer,
  Run,
  Schedule,
  Source,
  Target,
  Remote,
  ShardDetail,
  ShardRow,
  Snapshot,
  Status,
} from '../../src/api/index.ts'

export const ID = 'ab'.repeat(32)
export const PEER = '12D3KooWFakePeer'
export const TIME = '2026-01-02T03:04:05.678Z'

export const summary = {
  snapshot: ID,
  files: 2,
  dirs: 1,
  bytes: 3000,
  newBytes: 3000,
  storedBytes: 900,
  newShards: 1,
  stripes: 1,
  k: 1,
  n: 3,
  placed: 1,
  queued: 0,
  safe: 0.9999,
  belowTarget: false,
  skipped: [],
  seconds: 1.5,
}

export const job: Job = {
  id: 'job-1',
  kind: 'backup',
  state: 'running',
  title: 'back up /data',
  created: TIME,
  started: TIME,
  ended: null,
  progress: null,
  summary: null,
  error: null,
  wantsInput: false,
}

export const snapshot: Snapshot = {
  id: ID,
  time: TIME,
  name: 'demo',
  tags: ['a'],
  paths: ['/data'],
  files: 2,
  dirs: 1,
  bytes: 3000,
  device: PEER,
  placed: true,
  safe: 0.9999,
  restorable: 1,
  partial: false,
}

export const status: Status = {
  sentence: 'Everything is safe with Bob and Ada.',
  protected: 'yes',
  safe: 0.99999,
  restorable: 1,
  target: 0.9999,
  measured: false,
  lastBackup: TIME,
  hosts: { eligible: 7, online: 6 },
  snapshots: 1,
  given: 0,
  used: 7340032,
  queued: 0,
  remotes: [],
  alarms: [],
}

export const remote: Remote = {
  id: 'cd'.repeat(16),
  path: '/mnt/disk/plexichat',
  state: 'present',
  reason: null,
  complete: true,
  bytes: 5_242_880,
  missing: 0,
  free: 1_000_000,
  total: 9_000_000,
  added: TIME,
  lastSeen: TIME,
  completed: TIME,
  headSeq: 3,
}

export const entry: Entry = {
  path: 'data/a.txt',
  type: 'file',
  size: 3,
  mode: 0o644,
  mtime: TIME,
  user: 'ada',
  group: 'ada',
}

export const peer: Peer = {
  peer: PEER,
  vault: ID,
  name: 'Bob',
  vouched: true,
  state: 'newcomer',
  online: true,
  score: 0.5,
  availability: null,
  given: 0,
  received: 1048576,
  address: '/ip4/127.0.0.1/tcp/7421',
  lastSeen: TIME,
  offered: null,
  free: null,
  quota: null,
}

export const shardRow: ShardRow = {
  id: ID,
  kind: 'data',
  stripe: ID,
  index: 0,
  k: 1,
  n: 3,
  holders: [{ peer: PEER, name: 'Bob' }],
  state: 'placed',
  vault: null,
  bytes: 1048576,
}

const shardDetail: ShardDetail = {
  id: ID,
  kind: 'data',
  epoch: 1,
  suite: 1,
  stripe: ID,
  index: 0,
  k: 1,
  n: 3,
  holders: [{ peer: PEER, name: 'Bob', state: 'held', lastAudit: null, leaseUntil: TIME }],
  chunks: 12,
  why: 'data of snapshot abababab',
  state: 'placed',
  vault: null,
  snapshots: [ID],
}

/** A real vault id with the words it comes from, and words of another one. */
export const identityVault = {
  vault: '473df96fc23a9608258c4edd3edf023da436db54c86f22588298fc6d01f40490',
  phrase:
    'attract offer error planet art uphold carpet also chapter gift buzz cruel habit tunnel stick organ life crack spot machine what grace leaf vacant',
  otherPhrase:
    'scissors discover win render bullet ribbon bunker scheme below giraffe ostrich album warm multiply wing abuse goose armed fly cost busy bless wear sunset',
}

const CODE_ID = '0123456789abcdef'

const identity: Identity = {
  vault: identityVault.vault,
  peerId: PEER,
  name: 'laptop',
  serial: 7,
  grants: ['store', 'fetch'],
  notAfter: TIME,
  epochs: 1,
  floorDays: 7,
  devices: 1,
  lock: 'key',
}

const network: Network = {
  peer: PEER,
  circle: 'main',
  listen: ['/ip4/127.0.0.1/tcp/7421'],
  addresses: ['/ip4/127.0.0.1/tcp/7421/p2p/12D3'],
  connections: 3,
  dht: { protocol: '/plexichat/main/kad/1.0.0', mode: 'server', peers: 3, records: 1 },
  bootstrap: [],
}

const hosting: Hosting = { offer: 100, used: 10, free: 90, full: null, vaults: [] }

export interface FakeState {
  /** `name: argument` of every call that matters. */
  readonly calls: [string, unknown][]
  /** What `follow` of a job sends. */
  jobEvents: JobEvent[]
  jobEnd: Partial<Job>
  /** Keeps `follow` open after its events until its reader goes away. */
  jobStaysOpen: boolean
  status: Status
  remotes: Remote[]
  shutdowns: number
}

export function fakeServices(): { services: ApiServices; state: FakeState } {
  const state: FakeState = {
    calls: [],
    jobEvents: [{ type: 'summary', ...summary }],
    jobEnd: { state: 'done', summary },
    remotes: [remote],
    jobStaysOpen: false,
    status,
    shutdowns: 0,
  }
  const called = <T>(name: string, argument: unknown, answer: T): Promise<T> => {
    state.calls.push([name, argument])
    return Promise.resolve(answer)
  }
  const services: ApiServices = {
    system: {
      ready: () => Promise.resolve({ ok: true, checks: { node: true } }),
      metrics: () => Promise.resolve('plexi_up 1\n'),
      status: () => Promise.resolve(state.status),
      node: () =>
        Promise.resolve({
          version: '0.1.0',
          pid: 42,
          peerId: PEER,
          vault: ID,
          name: 'laptop',
          circle: 'main',
          home: '/home',
          started: TIME,
          addresses: [],
          api: 'http://127.0.0.1:1',
        }),
      shutdown: () => {
        state.shutdowns++
      },
    },
    config: {
      show: () =>
        Promise.resolve({
          path: '/home/config.toml',
          settings: [{ key: 'api.port', value: 7420, origin: 'default', reloadable: false }],
        }),
      change: (change) => called('config.change', change, { applied: Object.keys(change.set), needRestart: [] }),
      validate: () => Promise.reject(new PlexiError('CONFIG_UNKNOWN_KEY', { key: 'apo.port', suggestion: 'api.port' })),
    },
    events: eventService(),
    jobs: jobService(state),
    snapshots: {
      list: (filter) => {
        state.calls.push(['snapshots.list', filter])
        return [snapshot]
      },
      get: (ref) =>
        ref === 'latest'
          ? Promise.resolve(snapshot)
          : Promise.reject(new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: ref })),
      backup: (request) => called('backup', request, { ...job, wantsInput: request.stdin !== undefined }),
      tree: (at) => {
        state.calls.push(['tree', at])
        if (at.path === 'stuck') return manyEntries()
        return at.recursive ? manyEntries(at.after) : [entry]
      },
      diff: (sides) => {
        state.calls.push(['diff', sides])
        const later = { ...entry, size: 5 }
        return [
          { path: 'a.txt', change: 'modified', before: entry, after: later },
          { path: 'b\u001b.txt', change: 'added', before: null, after: entry },
          { path: 'c.txt', change: 'removed', before: entry, after: null },
          { path: 'd', change: 'type', before: entry, after: { ...entry, type: 'dir', size: 0 } },
          { path: 'e', change: 'metadata', before: entry, after: entry },
        ]
      },
      file: (at) => called('file', at, undefined).then(() => fakeFile(at.path, at.range)),
      archive: (at) => {
        state.calls.push(['archive', at])
        if (at.path === 'endless') return endlessBody(() => state.calls.push(['archive left', at]))
        if (at.path === 'late') return lateBrokenBody()
        return at.path === 'broken' ? brokenBody() : textBody('a tar ', 'stream')
      },
      restore: (ref, request) => called('restore', { ref, ...request }, { ...job, kind: 'restore' as const }),
      verify: (ref, request) => called('verify', { ref, ...request }, { ...job, kind: 'verify' as const }),
      find: () => [{ ...entry, snapshot: ID, time: TIME }],
    },
    retention: {
      forget: (request) => {
        const kept = [{ ...snapshot, reasons: ['last snapshot'], group: 'name demo' }]
        const started = request.prune ? { ...job, kind: 'prune' as const } : null
        return called('forget', request, {
          kept,
          removed: [snapshot],
          freedBytes: 0,
          dryRun: request.dryRun,
          job: started,
        })
      },
      prune: (request) => called('prune', request, { ...job, kind: 'prune' as const }),
      gc: () => called('gc', undefined, { ...job, kind: 'gc' as const }),
      storage: () =>
        Promise.resolve({
          ...{ snapshots: 1, forgotten: 0, stripes: 1, waitingStripes: 0, shards: 3, bytes: 3145728, queuedBytes: 0 },
        }),
    },
    shards: {
      list: (filter) => {
        state.calls.push(['shards.list', filter])
        return [shardRow]
      },
      get: (id) =>
        ID.startsWith(id)
          ? Promise.resolve(shardDetail)
          : Promise.reject(new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: id })),
      proof: (_id, leaf) => Promise.resolve({ id: ID, leaf, data: '00', path: [ID], root: ID, ok: true }),
      verify: () => Promise.resolve({ ok: true, id: ID, root: ID, leaves: 64 }),
      locate: () => Promise.resolve({ id: ID, holders: shardDetail.holders }),
      fetch: () => Promise.resolve(new Uint8Array(1_048_576).fill(7)),
    },
    peers: {
      list: () => [peer],
      get: () => Promise.resolve(peer),
      add: (address) => called('peers.add', address, peer),
      ping: () => Promise.resolve({ peer: PEER, ok: true, ms: 1.5, address: null }),
      trust: (id, change) => called('trust', { id, ...change }, peer),
      block: (id, blocked) => called('block', { id, blocked }, peer),
      quota: (id, bytes) => called('quota', { id, bytes }, peer),
    },
    circles: {
      invites: () => [],
      invite: (request) =>
        called('invite', request, {
          id: 'i1',
          uses: request.uses,
          used: 0,
          created: TIME,
          expires: TIME,
          code: 'plexi1code',
          addresses: [],
          warnings: [],
        }),
      join: () => Promise.reject(new PlexiError('SECURITY_INVITE', { reason: 'it expired' })),
      list: () => [{ circle: 'main', name: null, current: true, private: false, peers: 2, restart: false }],
      create: () =>
        Promise.resolve({ circle: 'c1', name: null, current: false, private: true, peers: 0, restart: true }),
      leave: () =>
        Promise.resolve({ circle: 'main', name: null, current: true, private: false, peers: 0, restart: true }),
      network: () => Promise.resolve(network),
      check: () => Promise.resolve({ ok: true, checks: [{ name: 'listen', ok: true, text: 'fine', remedy: null }] }),
    },
    hosting: {
      show: () => Promise.resolve(hosting),
      resize: (offer) => called('resize', offer, { ...hosting, offer }),
      adopt: (path) => called('hosting.adopt', path, { ...job, kind: 'adopt' as const }),
    },
    remotes: {
      list: () => state.remotes,
      get: (id) => called('remotes.get', id, remote),
      add: (path) => called('remotes.add', path, { ...remote, path }),
      remove: (id, force) => called('remotes.remove', { id, force }, undefined),
      seed: (path, peer) => called('remotes.seed', { path, peer }, { ...job, kind: 'seed' as const }),
      test: (id, all) => called('remotes.test', { id, all }, { ...job, kind: 'remote-test' as const }),
    },
    identity: {
      show: () => Promise.resolve(identity),
      kit: () =>
        Promise.resolve({ vault: ID, circle: 'main', key: null, addresses: [], name: 'laptop', created: TIME }),
      devices: () => [],
      record: async () => ({ authority: 'AA', terms: 'AA', forked: false }),
      changeRecord: async () => ({ version: 2, epoch: 1, termsVersion: 1, told: 0, missing: [] }),
      openCode: async () => ({ id: CODE_ID, code: 'plexidev1xxxx', expires: TIME, warnings: [] }),
      code: async () => ({ asked: null, answered: false, taken: false }),
      answerCode: async () => ({ version: 2 }),
      closeCode: async () => undefined,
      sync: async () => ({ news: 0, snapshots: 0 }),
      unlock: async () => undefined,
    },
    ...fakeAutomation(called),
  }
  return { services, state }
}

function fakeFile(path: string, { from, length }: { from: number; length: number }) {
  if (path === 'broken') return { size: 10, body: brokenBody() }
  const text = 'hello\n'.slice(from, from + length)
  return { size: text.length, body: textBody(...(text.match(/.{1,2}/gs) ?? [])) }
}

export const source: Source = {
  name: 'home',
  definition: { paths: ['/data'], tags: [], exclude: ['*.tmp'] },
  created: TIME,
  lastBackup: TIME,
  lastSnapshot: ID,
  running: false,
  schedules: 1,
  nextRun: TIME,
}

export const schedule: Schedule = {
  id: 'c0ffee00',
  source: 'home',
  cron: '30 2 * * *',
  zone: 'UTC',
  jitterMs: 0,
  afterwards: 'nothing',
  paused: false,
  created: TIME,
  nextRun: TIME,
  lastRun: null,
}

const run: Run = {
  ...{ state: 'partial', job: 'job-1', snapshot: ID, code: 'STORAGE_PARTIAL', text: '1 item could not be read' },
  ...{ slot: TIME, begun: TIME, ended: TIME, tidy: null },
}

export const target: Target = {
  ...{ name: 'ops', kind: 'webhook', address: 'https://example.org/…', wants: 'alarms', created: TIME },
  ...{ waiting: 0, lastDelivered: TIME, lastError: null },
}

type Called = <T>(name: string, argument: unknown, answer: T) => Promise<T>

function fakeAutomation(called: Called): Pick<ApiServices, 'sources' | 'schedules' | 'notifications'> {
  const policy = { scope: 'home', policy: { keep: { keepDaily: 7 } }, effective: { backupEveryMs: 604_800_000 } }
  const only = (name: string): Promise<void> =>
    name === 'none' ? Promise.reject(new PlexiError('STORAGE_SOURCE_NOT_FOUND', { source: name })) : Promise.resolve()
  return {
    sources: {
      list: () => [source],
      get: async (name) => {
        await only(name)
        return source
      },
      add: (request) => called('source.add', request, { ...source, name: request.name }),
      remove: async (name) => {
        await only(name)
        await called('source.remove', name, undefined)
      },
      estimate: (name) => called('source.estimate', name, job),
      policy: () => Promise.resolve(policy),
      setPolicy: (scope, set) => called('policy.set', { scope, ...set }, { ...policy, scope, policy: set }),
    },
    schedules: {
      list: () => [schedule],
      get: () => Promise.resolve({ ...schedule, lastRun: run, runs: [run] }),
      add: (request) => called('schedule.add', request, schedule),
      pause: (id, paused) => called('schedule.pause', { id, paused }, { ...schedule, paused }),
      remove: (id) => called('schedule.remove', id, undefined),
      run: (id) => called('schedule.run', id, job),
    },
    notifications: {
      list: () => [target, { ...target, name: 'mail', kind: 'command', address: '/usr/bin/mail' }],
      addWebhook: (request) => called('webhook.add', request, { ...target, secret: request.secret ?? 's'.repeat(43) }),
      addCommand: (request) => called('command.add', request, { ...target, kind: 'command' as const }),
      remove: (name) => called('target.remove', name, undefined),
      test: (name) => Promise.resolve({ name, ok: name === 'ops', text: name === 'ops' ? 'it took it' : 'HTTP 500' }),
    },
  }
}

function eventService(): ApiServices['events'] {
  const events: DaemonEvent[] = [1, 2, 3].map((seq) => ({
    seq,
    time: TIME,
    topic: 'system',
    text: `event ${String(seq)}`,
  }))
  return {
    list: (since) => events.filter(({ seq }) => seq > since),
    async *follow(since) {
      yield* events.filter(({ seq }) => seq > since)
    },
  }
}

function jobService(state: FakeState): ApiServices['jobs'] {
  return {
    list: () => Array.from({ length: 5 }, (_, i) => ({ ...job, id: `job-${String(i)}` })),
    get: (id) =>
      id.startsWith('job-')
        ? Promise.resolve({ ...job, ...state.jobEnd, id })
        : Promise.reject(new PlexiError('SYSTEM_JOB_NOT_FOUND', { job: id })),
    cancel: (id) => {
      state.calls.push(['cancel', id])
      return Promise.resolve({ ...job, id, state: 'cancelled' as const })
    },
    async *follow(_id, since, signal) {
      for (const [i, event] of state.jobEvents.entries()) {
        if (i + 1 > since) yield { seq: i + 1, time: TIME, event }
      }
      if (!state.jobStaysOpen) return
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          state.calls.push(['follow ended', undefined])
          resolve()
        })
      })
    },
    async input(id, body) {
      let bytes = 0
      state.calls.push(['input began', id])
      try {
        for await (const chunk of body) bytes += chunk.length
      } catch (error) {
        state.calls.push(['input broke', (error as Error).message])
        throw error
      }
      state.calls.push(['input', { id, bytes }])
      return { bytes }
    },
  }
}

async function* manyEntries(after?: readonly Uint8Array[]): AsyncGenerator<Entry> {
  const from = after === undefined ? 0 : Number(Buffer.from(after.at(-1) ?? '').toString()) + 1
  for (let i = from; i < 12_000; i++) yield { ...entry, path: `data/${String(i)}` }
}

async function* textBody(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

async function* endlessBody(left: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (;;) yield Buffer.alloc(100_000)
  } finally {
    left()
  }
}

async function* lateBrokenBody(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(100_000)
  throw new PlexiError('STORAGE_UNRESTORABLE', { lost: 1 })
}

async function* brokenBody(): AsyncGenerator<Uint8Array> {
  throw new PlexiError('STORAGE_UNRESTORABLE', { lost: 1 })
}
