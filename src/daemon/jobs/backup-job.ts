/**
 * A backup as a job: it runs until the snapshot is durable here and every host was tried, then waits, without keeping
 * other backups from running, until hosts hold all of it.
 */
import { SECOND, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { BackupRequest, BackupSummary } from '../../api/index.ts'
import type * as engine from '../../backup/index.ts'
import type { OutboxWatch } from '../alarms/outbox-watch.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'
import { outputName } from './selection.ts'
import type { BackupJobRequest } from './submit-backup.ts'
import { noteEvent, progressEvent } from './translate.ts'

export interface BackupJobDeps {
  readonly engine: Pick<engine.BackupEngine, 'backup' | 'status' | 'snapshots'>
  readonly placement: Pick<PlacementLoop, 'kick' | 'attempt' | 'listen' | 'last'>
  readonly nameOf: (peer: string) => string | null
  /** Throws `AUTH_REVOKED` when waiting for hosts is in vain. */
  readonly checkWelcome: () => void
  readonly outbox: Pick<OutboxWatch, 'look' | 'text'>
  readonly eligible: () => readonly string[]
  /** The outbox is full and stays so: alarms may change. */
  readonly stuck: () => void
  readonly clock: Clock
  /** Standard output of a shell command; fails when the command does. */
  readonly output: (order: CommandOrder, signal: AbortSignal) => AsyncIterable<Uint8Array>
}

interface CommandOrder {
  readonly run: string
  readonly directory: string
  readonly tell: (line: string) => void
}

export class BackupJob implements JobHandler {
  readonly #deps: BackupJobDeps

  constructor(deps: BackupJobDeps) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const request = context.request as BackupJobRequest
    let summary = this.#madeBefore(request, context.begunBefore)
    if (summary !== undefined) return this.#saved(context, request, summary)
    const watching = new AbortController()
    const watched = request.dryRun ? undefined : this.#watchOutbox(context, watching.signal)
    try {
      for await (const event of this.#deps.engine.backup(this.#engineRequest(request, context), context.signal)) {
        if (event.type === 'progress') context.emit(progressEvent('reading', event))
        else if (event.type === 'note') context.emit(noteEvent(event, this.#deps.nameOf))
        else summary = apiSummary(event)
      }
    } finally {
      watching.abort()
      await watched
    }
    if (summary === undefined) throw new Error('a backup without a summary')
    if (request.dryRun) return { summary, pending: false }
    return this.#saved(context, request, { ...summary, hosts: this.#hosts() })
  }

  async settle(context: JobContext, reached: Summary): Promise<Summary> {
    const { engine, placement, nameOf } = this.#deps
    let summary = this.#now(reached as BackupSummary)
    const stop = placement.listen((note) => context.emit(noteEvent(note, nameOf)))
    try {
      placement.kick()
      while (!this.#isPlaced(summary.snapshot)) {
        await placement.attempt(LOOK_AGAIN_MS, context.signal)
        context.signal.throwIfAborted()
        this.#deps.checkWelcome()
        const next = this.#now(summary)
        if (next.placed !== summary.placed || next.queued !== summary.queued) context.emit({ ...next, type: 'saved' })
        summary = next
        const { queuedBytes } = engine.status()
        context.emit({ ...placing, files: summary.files, bytes: summary.bytes, queued: queuedBytes })
      }
      return { ...this.#now(summary), queued: 0 }
    } finally {
      stop()
    }
  }

  /** Who waits for a backup that cannot go on is told why, each time it gets stuck. */
  async #watchOutbox(context: JobContext, signal: AbortSignal): Promise<void> {
    const { outbox, clock, eligible, stuck } = this.#deps
    let told = false
    while (!signal.aborted) {
      const full = outbox.look()
      if (full && !told) {
        const text = outbox.text(eligible().length)
        const { remedy } = new PlexiError('STORAGE_OUTBOX_FULL')
        const note = { type: 'note', level: 'warning', about: 'queue', code: 'STORAGE_OUTBOX_FULL' } as const
        context.emit({ ...note, text: `${text}; ${remedy}` })
        stuck()
      }
      told = full
      await clock.sleep(LOOK_AT_OUTBOX_MS, signal).catch(() => undefined)
    }
  }

  #saved(
    context: JobContext,
    request: BackupJobRequest,
    summary: BackupSummary,
  ): { summary: Summary; pending: boolean } {
    context.emit({ ...summary, type: 'saved' })
    if (summary.queued > 0) this.#deps.checkWelcome()
    this.#deps.placement.kick()
    return { summary, pending: !request.local && request.unattended !== true && summary.queued > 0 }
  }

  /**
   * What a run that was cut off had made already: nobody wants it twice. What it cost is not known any more; where files
   * were left out nobody knows which, so that one is made again.
   */
  #madeBefore(request: BackupRequest, begunMs: number | null): BackupSummary | undefined {
    if (begunMs === null || request.stdin !== undefined || request.command !== undefined || request.dryRun)
      return undefined
    const made = this.#deps.engine.snapshots({}).find(({ time, name, paths, tags, partial }) => {
      const same =
        [name, ...paths].join('\0') === [request.name ?? '', ...request.paths, ...(request.sqlite ?? [])].join('\0')
      return !partial && time >= begunMs && same && tags.join('\0') === request.tags.join('\0')
    })
    if (made === undefined) return undefined
    const { id, files, dirs, bytes } = made
    const nothing = { newBytes: 0, storedBytes: 0, newShards: 0, stripes: 0, placed: 0, k: 0, n: 0 }
    return this.#now({
      ...nothing,
      ...{ snapshot: id, files, dirs, bytes, queued: 0, safe: null, belowTarget: true, skipped: [], seconds: 0 },
    })
  }

  #engineRequest(request: BackupRequest, context: JobContext): engine.BackupRequest {
    const { paths, sqlite, stdin, command, name, tags, local, dryRun, forceRead } = request
    const settings = {
      ...(name === undefined ? {} : { name }),
      ...{ tags, localOnly: local, dryRun, forceRead },
      ...leftOut(request),
    }
    if (command !== undefined) {
      const stream = { name: outputName(command, name), data: this.#output(command, context) }
      return { ...settings, stream }
    }
    if (stdin !== undefined) return { ...settings, stream: { name: stdin, data: context.input } }
    return { ...settings, paths, ...(sqlite === undefined ? {} : { databases: sqlite }) }
  }

  #output(
    { run, directory = '/' }: NonNullable<BackupRequest['command']>,
    context: JobContext,
  ): AsyncIterable<Uint8Array> {
    const tell = (line: string): void => context.emit({ type: 'note', level: 'warning', text: line, about: 'source' })
    return this.#deps.output({ run, directory, tell }, context.signal)
  }

  /** A snapshot that is gone is nothing to wait for. */
  #isPlaced(snapshot: string | null): boolean {
    const found = this.#deps.engine.snapshots({}).find(({ id }) => id === snapshot)
    return found?.placed ?? true
  }

  /** How many hosts have a part of the most widely spread stripe or head. */
  #hosts(): number {
    return Math.max(0, ...this.#deps.engine.status().restorableInput.map(({ hosts }) => hosts.length))
  }

  #now(summary: BackupSummary): BackupSummary {
    const status = this.#deps.engine.status()
    const widest = status.restorableInput
      .filter(({ head, hosts }) => head !== true && hosts.length > 0)
      .toSorted((a, b) => b.hosts.length - a.hosts.length)[0]
    return {
      ...summary,
      queued: status.queued,
      placed: this.#deps.placement.last?.placed ?? summary.placed,
      hosts: this.#hosts(),
      safe: status.safe,
      belowTarget: (status.safe ?? 0) < status.target,
      ...(widest === undefined ? {} : { k: widest.k, n: widest.hosts.length }),
    }
  }
}

/** The snapshot may also become whole, or be forgotten, by other hands. */
const LOOK_AGAIN_MS = 30 * SECOND

const LOOK_AT_OUTBOX_MS = SECOND

const placing = { type: 'progress', phase: 'placing', filesTotal: null, bytesTotal: null } as const

function leftOut(request: BackupRequest): Partial<engine.BackupRequest> {
  const { exclude, excludeCaches = false, excludeIfPresent = [], oneFileSystem = false } = request
  return { exclude, excludeCaches, excludeIfPresent, oneFileSystem }
}

function apiSummary(summary: engine.BackupSummary): BackupSummary {
  const { type: _, skipped, exports, k, n, ...rest } = summary
  const listed = skipped.map(({ path, reason }) => ({ path, code: 'STORAGE_SOURCE_UNREADABLE', reason }))
  return {
    ...rest,
    k: k ?? 0,
    n: n ?? 0,
    skipped: listed,
    exports: exports.map((found) => ({ ...found, warnings: [...found.warnings] })),
  }
}
