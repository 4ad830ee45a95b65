/** What the engine is asked for and what it answers: the room's public shapes. */
import type { PeerKey } from '../crypto/ids.ts'
import type { Alarm } from './adopt/choose-heads.ts'
import type { HostFault } from '../shard/index.ts'

export interface BackupRequest {
  /** Absolute paths, each backed up under its base name. */
  readonly paths?: readonly string[]
  /** Absolute paths of SQLite databases, backed up like `paths`; what is none fails the backup. */
  readonly databases?: readonly string[]
  /** One stream instead of paths, stored as a file of that name. */
  readonly stream?: { readonly name: string; readonly data: AsyncIterable<Uint8Array> }
  readonly name?: string
  readonly tags?: readonly string[]
  /** .gitignore patterns relative to each path. */
  readonly exclude?: readonly string[]
  /** Do not enter directories on other file systems than that of the path they are below. */
  readonly oneFileSystem?: boolean
  /** Of directories with a valid CACHEDIR.TAG keep only that. */
  readonly excludeCaches?: boolean
  /** Of directories with an entry of such a name keep only that; `NAME:HEADER`: if it is a file that begins with HEADER. */
  readonly excludeIfPresent?: readonly string[]
  readonly note?: string
  /** Stop when the backup is durable here; hosts get it with the next drain. */
  readonly localOnly?: boolean
  /** Only find out what would be stored. */
  readonly dryRun?: boolean
  /** Read files again that seem unchanged. */
  readonly forceRead?: boolean
}

export interface Progress {
  readonly type: 'progress'
  readonly filesDone: number
  readonly bytesDone: number
  /** Found by a scan that runs ahead; final once `totalKnown`. */
  readonly filesTotal: number
  readonly bytesTotal: number
  readonly totalKnown: boolean
}

/** Something worth telling that is not progress: a host that failed, an entry left out. */
export interface Note {
  readonly type: 'note'
  readonly about: 'host' | 'source' | 'queue' | 'target'
  readonly message: string
  readonly peer?: PeerKey
  readonly why?: HostFault['why'] | 'replaced'
  readonly path?: string
}

/** An export of chats or a dump of a database among what was read. */
export interface ExportFound {
  readonly path: string
  /** `slack`, `discord`, `telegram`, `whatsapp`, `signal`, `matrix`, `mattermost`, `rocketchat`, `postgresql`, `mysql`, `mongodb`. */
  readonly app: string
  /** Messages, or documents; null where they cannot be counted. */
  readonly messages: number | null
  /** What is odd about it, for people: such as that it is cut off. */
  readonly warnings: readonly string[]
}

export interface Skipped {
  readonly path: string
  readonly reason: string
}

export interface BackupProgress extends Progress {
  readonly phase: 'reading' | 'placing'
  readonly newBytes: number
  readonly storedBytes: number
  readonly stripesPlaced: number
  readonly queuedBytes: number
}

export interface BackupSummary {
  readonly type: 'summary'
  /** Null for a dry run. */
  readonly snapshot: string | null
  readonly files: number
  readonly dirs: number
  readonly bytes: number
  /** Plain bytes of chunks not stored before. */
  readonly newBytes: number
  /** What they take in sealed shards, compressed, before parity; of a dry run an estimate, like `newShards`. */
  readonly storedBytes: number
  readonly newShards: number
  readonly stripes: number
  /** Shape of the group new stripes go to; null without hosts. */
  readonly k: number | null
  readonly n: number | null
  /** Stripes with enough receipts. */
  readonly placed: number
  /** Stripes, shards without a stripe and heads that still wait for hosts: 0 means it is all out there. */
  readonly queued: number
  readonly safe: number | null
  readonly belowTarget: boolean
  readonly skipped: readonly Skipped[]
  /** Recognised among what was read; unchanged files are not read. At most 1,000. */
  readonly exports: readonly ExportFound[]
  /** `skipped`: this system offers no extended attributes, so none were stored. */
  readonly xattrs: 'kept' | 'skipped'
  readonly seconds: number
}

export type BackupEvent = BackupProgress | Note | BackupSummary

export interface DrainSummary {
  readonly type: 'summary'
  readonly placed: number
  readonly queued: number
  readonly queuedBytes: number
  /** Hosts that took the head; 0 when it was not due or nobody took it. */
  readonly headHosts: number
  readonly safe: number | null
}

export type DrainEvent = Note | DrainSummary

export interface RestoreRequest {
  /** Snapshot id, prefix or `latest`, optionally with `:PATH`. */
  readonly snapshot: string
  readonly filter?: SnapshotFilter
  /** Path inside the snapshot; that file or directory itself is put under `to`. */
  readonly path?: string
  readonly to: string
  readonly overwrite?: 'never' | 'older' | 'always'
  /** Restore to the absolute path it came from, below `to`. */
  readonly fullPaths?: boolean
  /** Read back and compare what is written, and the content of files that seem intact. */
  readonly verify?: boolean
  /** Glob: these files before all others. */
  readonly first?: string
  /** Restore nothing, say what it would take. */
  readonly plan?: boolean
}

export interface Failed {
  readonly path: string
  readonly code: string
  readonly reason: string
}

/** What a restore needs besides the catalogue and the tree, whatever is in the target already. */
export interface RestorePlan {
  readonly shards: number
  /** Of them: not placed yet, still here. */
  readonly local: number
  readonly fetchBytes: number
  /** Who signed for the others, most first; any k shards of a stripe can stand in for one of them. */
  readonly hosts: readonly { readonly peer: PeerKey; readonly shards: number; readonly bytes: number }[]
  /** Shards nobody is known to hold. */
  readonly unknown: number
  /** As measured now; null where nothing has to be fetched or nothing could be. */
  readonly bytesPerSecond: number | null
  readonly estimatedSeconds: number | null
}

export interface RestoreSummary {
  readonly type: 'summary'
  readonly files: number
  readonly dirs: number
  readonly bytes: number
  /** Of `files`: were there already, intact. */
  readonly unchanged: number
  readonly seconds: number
  readonly failed: readonly Failed[]
  /** Only when that was all that was asked for. */
  readonly plan?: RestorePlan
}

export type RestoreEvent = Progress | Note | RestoreSummary

export interface VerifyRequest {
  readonly snapshot?: string
  /** 0–100: share of shard bodies to fetch and check. */
  readonly readDataPercent?: number
}

export interface BadShard {
  readonly shardId: string
  /** Null where it has none yet. */
  readonly stripe: string | null
  readonly index: number
  readonly peer: PeerKey | null
  readonly why: HostFault['why']
  readonly detail: string
}

export interface VerifySummary {
  readonly type: 'summary'
  readonly ok: boolean
  readonly checked: {
    readonly snapshots: number
    readonly stripes: number
    readonly shards: number
    readonly bytes: number
  }
  readonly bad: readonly BadShard[]
  /** Stripes with fewer than k intact shards, and what they cost. */
  readonly lostStripes: readonly string[]
  readonly snapshotsHit: readonly string[]
  readonly filesHit: readonly { readonly snapshot: string; readonly path: string }[]
  readonly seconds: number
}

export type VerifyEvent = Progress | Note | VerifySummary

export interface PruneRequest {
  /** Only find out what would be freed. */
  readonly dryRun?: boolean
  /** With `dryRun`: as if these were forgotten, too. Hex ids. */
  readonly without?: readonly string[]
}

export interface PruneProgress extends Progress {
  /** `filesDone` counts snapshots, then stripes. */
  readonly phase: 'marking' | 'packing'
}

export interface PruneSummary {
  readonly type: 'summary'
  readonly dryRun: boolean
  /** Given back at hosts and here, less what was written anew; with `dryRun` an estimate. On peers it is free after the floor. */
  readonly freedBytes: number
  /** Stripes given up whole, and stripes whose living chunks were packed again. */
  readonly dropped: number
  readonly repacked: number
  /** Sealed shards that waited for hosts and are not needed. */
  readonly droppedBodies: number
  readonly checkedChunks: number
  readonly liveChunks: number
  /** Needed by some snapshot and nowhere to be found: verify tells which. */
  readonly missingChunks: number
  /** Devices that do not know yet what was forgotten, and until when they are waited for; null: as long as it takes. */
  readonly waitingFor: readonly { readonly device: string; readonly until: number | null }[]
  /** Forgotten snapshots whose data stay until then. */
  readonly waitingSnapshots: number
  /** Stripes no longer needed here that another head names, or whose hosts did not answer. */
  readonly waitingStripes: number
  readonly seconds: number
}

export interface StorageFigures {
  readonly snapshots: number
  readonly forgotten: number
  readonly stripes: number
  readonly waitingStripes: number
  readonly shards: number
  readonly bytes: number
  readonly queuedBytes: number
}

export interface CollectSummary {
  readonly type: 'summary'
  readonly freedBytes: number
  /** Files in the outbox that nothing refers to. */
  readonly orphans: number
  /** Entries of the chunk index that pointed to nothing living. */
  readonly indexEntries: number
  readonly seconds: number
}

export type PruneEvent = PruneProgress | Note | PruneSummary

export interface SnapshotFilter {
  readonly name?: string
  readonly tag?: string
  readonly path?: string
  readonly device?: string
}

export interface SnapshotInfo {
  readonly id: string
  readonly time: number
  readonly name: string
  readonly tags: readonly string[]
  readonly paths: readonly string[]
  readonly files: number
  readonly dirs: number
  readonly bytes: number
  readonly device: string
  readonly partial: boolean
  /** All it needs has enough receipts and a published head names it. */
  readonly placed: boolean
  readonly safe: number | null
  /** Who holds what it needs; empty while some of it has no stripe yet. */
  readonly hosts: readonly StripeHosts[]
}

export type SnapshotMark = Pick<SnapshotInfo, 'id' | 'time' | 'name' | 'device' | 'partial'>

/** Stripes on the same hosts: input for `restorable` (k of `hosts` online?). */
export interface StripeHosts {
  readonly k: number
  readonly hosts: readonly PeerKey[]
  readonly rates: readonly number[]
  readonly stripes: number
  /** Not stripes but the newest head, whole on each of them. */
  readonly head?: boolean
}

export interface EngineStatus {
  readonly snapshots: number
  /** Of them, those that hosts hold completely and a published head names. */
  readonly placed: number
  readonly lastBackup: number | null
  readonly shards: number
  readonly stripes: number
  /** As in a backup's summary. */
  readonly queued: number
  readonly queuedBytes: number
  readonly safe: number | null
  readonly target: number
  readonly restorableInput: readonly StripeHosts[]
  readonly headSeq: number
  readonly headTime: number | null
  readonly headPublished: boolean
  /** True while a newer fork of this very device was found a second time: backups wait for the phrase. */
  readonly forked: boolean
  /** What was met when this device looked for heads of its own before publishing, since the engine was opened. */
  readonly alarms: readonly Alarm[]
}
