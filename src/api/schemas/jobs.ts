/** Jobs: long work on the daemon, what it reports while it runs and how it ends. Events of a job are numbered from 1. */
import * as z from 'zod'
import { pathText, peerId, text, time, uint } from './common.ts'

export const jobState = z.enum(['queued', 'running', 'waiting', 'done', 'failed', 'cancelled'])
export type JobState = z.output<typeof jobState>

export const failure = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  exitCode: uint,
  /** What it is about, by name: such as the snapshots and files that are hit. */
  details: z.looseObject({}).optional(),
})
export type Failure = z.output<typeof failure>

/** How far: `bytes` of `bytesTotal` and `files` of `filesTotal` of this phase; totals are null until known. */
export const progressEvent = z.looseObject({
  type: z.literal('progress'),
  /** `reading` (source) · `placing` (to hosts) · `restoring` · `checking` · `recovering` · `marking`, `packing` (prune) */
  phase: z.string().max(32),
  files: uint,
  filesTotal: uint.nullable(),
  bytes: uint,
  bytesTotal: uint.nullable(),
  /** Bytes sealed and not yet placed. */
  queued: uint.optional(),
  /** Hosts that bytes moved to or from lately. */
  peers: z
    .array(z.object({ peer: peerId, name: z.string().nullable(), bytes: uint }))
    .max(32)
    .optional(),
})

/** Something worth telling that does not end the job. */
export const noteEvent = z.looseObject({
  type: z.literal('note'),
  level: z.enum(['info', 'warning']),
  text,
  code: z.string().optional(),
  peer: peerId.optional(),
  path: pathText.optional(),
})

/** Fields of a backup's summary; `placed` counts stripes placed, `queued` those that still wait for hosts. */
export const backupSummary = z.looseObject({
  snapshot: z.string().nullable(),
  files: uint,
  dirs: uint,
  bytes: uint,
  newBytes: uint,
  storedBytes: uint,
  newShards: uint,
  stripes: uint,
  k: uint,
  n: uint,
  placed: uint,
  queued: uint,
  /** Hosts that hold a part of the most widely spread stripe or head; 0: nobody but remotes. */
  hosts: uint.optional(),
  safe: z.number().nullable(),
  belowTarget: z.boolean(),
  skipped: z.array(z.object({ path: z.string(), code: z.string(), reason: z.string() })),
  /** `skipped`: the daemon's system offers no extended attributes. */
  xattrs: z.enum(['kept', 'skipped']).optional(),
  /** Exports of chats and dumps of databases that were recognised among what was read. */
  exports: z
    .array(z.object({ path: z.string(), app: z.string(), messages: uint.nullable(), warnings: z.array(z.string()) }))
    .optional(),
  seconds: z.number(),
})
export type BackupSummary = z.output<typeof backupSummary>

export const restoreSummary = z.looseObject({
  files: uint,
  dirs: uint,
  bytes: uint,
  seconds: z.number(),
  failed: z.array(z.object({ path: z.string(), code: z.string(), reason: z.string() })),
  /** What it would take; the only thing done when it was asked for. */
  plan: z
    .looseObject({
      shards: uint,
      local: uint,
      fetchBytes: uint,
      hosts: z.array(z.object({ peer: peerId, name: z.string().nullable(), shards: uint, bytes: uint })),
      unknown: uint,
      bytesPerSecond: z.number().nullable(),
      estimatedSeconds: z.number().nullable(),
    })
    .optional(),
})
export type RestoreSummary = z.output<typeof restoreSummary>

/** `checked` counts shards; `bad` names each one that is damaged or gone and whom it hits. */
export const verifySummary = z.looseObject({
  ok: z.boolean(),
  checked: uint,
  bad: z.array(
    z.looseObject({
      shard: z.string().nullable(),
      stripe: z.string().nullable().optional(),
      peer: z.string().nullable(),
      why: z.string(),
      snapshots: z.array(z.string()).optional(),
      files: z.array(z.string()).optional(),
    }),
  ),
  seconds: z.number(),
})
export type VerifySummary = z.output<typeof verifySummary>

/**
 * What was reached so far, of a job that goes on. A backup's snapshot is local-safe: sent at least once, with the fields of the summary as they are then, and again
 * whenever a stripe was placed. Who stops waiting shows the last one.
 */
export const savedEvent = backupSummary.partial().extend({ type: z.literal('saved') })
/** The last event of a job that ended well. */
export const summaryEvent = z.looseObject({ type: z.literal('summary') })
/** The last event of a job that failed or was cancelled. */
export const errorEvent = failure.extend({ type: z.literal('error') })

export const jobEvent = z.discriminatedUnion('type', [progressEvent, noteEvent, savedEvent, summaryEvent, errorEvent])
export type JobEvent = z.output<typeof jobEvent>
export type ProgressEvent = z.output<typeof progressEvent>
export type NoteEvent = z.output<typeof noteEvent>
export type SavedEvent = z.output<typeof savedEvent>

export const jobKind = z.enum([
  'backup',
  'restore',
  'verify',
  'recover',
  'place',
  'forget',
  'prune',
  'gc',
  'remote-test',
  'seed',
  'adopt',
])
export type JobKind = z.output<typeof jobKind>

export const job = z.object({
  id: z.string(),
  kind: jobKind,
  state: jobState,
  /** One line for people: what it does. */
  title: text,
  created: time,
  started: time.nullable(),
  ended: time.nullable(),
  progress: progressEvent.nullable(),
  /** The summary event's fields once it is done. */
  summary: z.looseObject({}).nullable(),
  error: failure.nullable(),
  /** True while the job waits for `PUT jobs/:id/input`. */
  wantsInput: z.boolean(),
})
export type Job = z.output<typeof job>

/** What a backup leaves out, below each of its paths. */
export const leftOut = {
  /** gitignore-style patterns. */
  exclude: z.array(z.string().min(1).max(4096)).max(4096).default([]),
  /** Of directories with a valid CACHEDIR.TAG all but that. */
  excludeCaches: z.boolean().optional(),
  /** Of directories with such an entry all but that: `NAME`, or `NAME:HEADER` for a file that begins with HEADER. */
  excludeIfPresent: z.array(z.string().min(1).max(4096)).max(64).optional(),
  /** Directories on other file systems than the path's come without their content. */
  oneFileSystem: z.boolean().optional(),
}

export const backupRequest = z.strictObject({
  /** Absolute paths on the daemon's machine. */
  paths: z.array(pathText).max(1024).default([]),
  /** Instead of paths: a name for what arrives by `PUT jobs/:id/input`. */
  stdin: z.string().min(1).max(255).optional(),
  /** SQLite databases, like `paths`; the backup fails when one of them is none. */
  sqlite: z.array(pathText).max(64).optional(),
  /** Instead: the output of a shell command, run by the daemon's account. Needs the role admin. */
  command: z
    .strictObject({
      run: z.string().min(1).max(32_768),
      /** Absolute; absent: `/`. */
      directory: pathText.optional(),
      /** File name it is stored under; absent: the snapshot's name, or the program's. */
      as: z.string().min(1).max(200).optional(),
    })
    .optional(),
  /** Instead of all these: a known source, which says what is backed up and is the snapshot's name. */
  source: z.string().min(1).max(64).optional(),
  name: z.string().min(1).max(256).optional(),
  tags: z.array(z.string().min(1).max(256)).max(64).default([]),
  ...leftOut,
  /** End once the snapshot is local-safe; placing goes on in the background. */
  local: z.boolean().default(false),
  /** Read and count, store nothing. */
  dryRun: z.boolean().default(false),
  /** Read files again that seem unchanged. */
  forceRead: z.boolean().default(false),
})
export type BackupRequest = z.output<typeof backupRequest>

export const restoreRequest = z.strictObject({
  /** Inside the snapshot; absent: everything. */
  path: pathText.optional(),
  /** Absolute target directory on the daemon's machine; created if missing. */
  to: pathText,
  overwrite: z.enum(['never', 'older', 'always']).default('never'),
  fullPaths: z.boolean().default(false),
  /** Read every file back and compare it with the snapshot. */
  verify: z.boolean().default(false),
  /** Glob over names, or paths where it has a slash: these files before all others. */
  first: z.string().min(1).max(4096).optional(),
  /** Restore nothing; the summary says what it would take. */
  plan: z.boolean().default(false),
  filter: z
    .strictObject({
      tag: z.string().max(256).optional(),
      path: pathText.optional(),
      name: z.string().max(256).optional(),
      device: z.string().max(128).optional(),
    })
    .default({}),
})
export type RestoreRequest = z.output<typeof restoreRequest>

export const verifyRequest = z.strictObject({
  /** Share of the shards whose bodies are fetched and checked; 0 asks holders only. */
  readDataPercent: z.number().min(0).max(100).default(0),
})
export type VerifyRequest = z.output<typeof verifyRequest>
