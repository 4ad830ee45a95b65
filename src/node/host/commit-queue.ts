/**
 * One writer for all of the host's metadata. Jobs that wait together share one round of directory fsyncs and one synced
 * batch, so a hundred puts cost little more than one. Invariant: jobs run one after the other; a job's promise resolves
 * only after directories and batch are durable. Spec: docs/spec/05-storage-protocol.md § Order of writes
 */
import type { Disk } from '../../base/disk.ts'
import { busy } from './errors.ts'
import { type HostMetadata, MetadataBatch } from './metadata.ts'

/** What jobs of one round write to. */
export interface CommitRound {
  readonly batch: MetadataBatch
  /** The directory's names must be durable before the batch is. */
  syncDirectory(path: string): void
}

/** Checks, renames and adds rows; throws before it adds anything, so that a refused job leaves no trace. */
export type CommitJob<T> = (round: CommitRound) => Promise<T>

interface Waiting {
  run(round: CommitRound): Promise<void>
  done(): void
  fail(error: unknown): void
}

export class CommitQueue {
  readonly #options: { maxCommitJobs: number; maxWaitingJobs: number }
  readonly #disk: Pick<Disk, 'syncDirectory'>
  readonly #metadata: HostMetadata
  /** Brings state in memory back to what is on disk after a batch that failed. */
  readonly #reload: () => Promise<void>
  readonly #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(
    options: { maxCommitJobs: number; maxWaitingJobs: number },
    deps: { disk: Pick<Disk, 'syncDirectory'>; metadata: HostMetadata; reload: () => Promise<void> },
  ) {
    this.#options = options
    this.#disk = deps.disk
    this.#metadata = deps.metadata
    this.#reload = deps.reload
  }

  /** Throws `NETWORK_BUSY` when too many jobs wait already. */
  async submit<T>(job: CommitJob<T>): Promise<T> {
    if (this.#waiting.length >= this.#options.maxWaitingJobs) throw busy('host store')
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let result: { value: T } | undefined
    this.#waiting.push({
      run: async (round) => {
        result = { value: await job(round) }
      },
      done: () => {
        if (result !== undefined) resolve(result.value)
      },
      fail: reject,
    })
    this.#running ??= this.#work()
    return promise
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #work(): Promise<void> {
    // A turn later, so that jobs submitted in the same tick share the first round.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#round(this.#waiting.splice(0, this.#options.maxCommitJobs))
    this.#running = undefined
  }

  async #round(jobs: readonly Waiting[]): Promise<void> {
    const batch = new MetadataBatch()
    const directories = new Set<string>()
    const round = { batch, syncDirectory: (path: string) => void directories.add(path) }
    const prepared: Waiting[] = []
    for (const job of jobs) {
      try {
        await job.run(round)
        prepared.push(job)
      } catch (error) {
        job.fail(error)
      }
    }
    try {
      for (const path of directories) await this.#disk.syncDirectory(path)
      await this.#metadata.commit(batch)
    } catch (error) {
      await this.#reload().catch(() => undefined)
      for (const job of prepared) job.fail(error)
      return
    }
    for (const job of prepared) job.done()
  }
}
