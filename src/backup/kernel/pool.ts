/**
 * The engine's threads, seen from the engine: started by the first job, stopped when nobody has used them for a while.
 * Invariant: a thread has a few jobs at most waiting for it; the others wait here for whichever is free first.
 */
import type { Clock } from '../../base/clock.ts'
import type { Thread, Threads } from '../../base/threads.ts'
import type { JobName, Jobs, KernelSetup, Message } from './jobs.ts'

/** One being run, one at hand. */
const JOBS_AT_HAND = 2
const IDLE_MS = 10_000

interface Worker {
  readonly thread: Thread
  running: number
}

interface Queued {
  readonly message: Message
  /** Only this thread will do. */
  readonly only: number | undefined
  readonly resolve: (result: Promise<unknown>, thread: number) => void
}

export class KernelPool {
  readonly #threads: Threads
  readonly #clock: Clock
  readonly #setup: () => KernelSetup
  #workers: Worker[] = []
  #queue: Queued[] = []
  #users = 0
  /** Epoch keys the running threads know. */
  #epochs = ''
  #idle: AbortController | undefined

  constructor(setup: () => KernelSetup, deps: { threads: Threads; clock: Clock }) {
    this.#setup = setup
    this.#threads = deps.threads
    this.#clock = deps.clock
  }

  /** Threads at work at the same time. */
  get size(): number {
    return this.#threads.count
  }

  /** Threads keep running, and keep what they have packed, while somebody uses them. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#users++
    this.#idle?.abort()
    try {
      if (this.#users === 1 && this.#epochs !== epochsOf(this.#setup())) await this.stop()
      return await work()
    } finally {
      this.#users--
      if (this.#users === 0) this.#stopLater()
    }
  }

  /** Runs a job on thread `only`, or on the first that is free. */
  async run<K extends JobName>(name: K, job: Jobs[K][0], only?: number): Promise<Jobs[K][1]> {
    return (await this.runAnywhere(name, job, only)).result
  }

  /** The same; tells which thread it was. */
  runAnywhere<K extends JobName>(
    name: K,
    job: Jobs[K][0],
    only?: number,
  ): Promise<{ readonly result: Jobs[K][1]; readonly thread: number }> {
    return new Promise((resolve, reject) => {
      const message = { name, job } as unknown as Message
      const settle = (answer: Promise<unknown>, thread: number): void => {
        answer.then((result) => {
          resolve({ result: result as Jobs[K][1], thread })
        }, reject)
      }
      this.#queue.push({ message, only, resolve: settle })
      this.#dispatch()
    })
  }

  async stop(): Promise<void> {
    this.#idle?.abort()
    const workers = this.#workers
    this.#workers = []
    await Promise.all(workers.map(({ thread }) => thread.stop()))
  }

  #dispatch(): void {
    this.#start()
    for (let at = 0; at < this.#queue.length;) {
      const queued = this.#queue[at] as Queued
      const worker = queued.only === undefined ? this.#leastBusy() : this.#workers[queued.only]
      if (worker === undefined || worker.running >= JOBS_AT_HAND) {
        if (queued.only === undefined) return
        at++
        continue
      }
      this.#queue.splice(at, 1)
      worker.running++
      const done = (): void => {
        worker.running--
        this.#dispatch()
      }
      const result = worker.thread.run(queued.message)
      result.then(done, done)
      queued.resolve(result, this.#workers.indexOf(worker))
    }
  }

  #leastBusy(): Worker | undefined {
    return this.#workers.reduce<Worker | undefined>(
      (best, worker) => (best === undefined || worker.running < best.running ? worker : best),
      undefined,
    )
  }

  #start(): void {
    if (this.#workers.length > 0 || this.#queue.length === 0) return
    const setup = this.#setup()
    this.#epochs = epochsOf(setup)
    this.#workers = Array.from({ length: this.#threads.count }, () => ({
      thread: this.#threads.start(setup),
      running: 0,
    }))
  }

  #stopLater(): void {
    const idle = new AbortController()
    this.#idle = idle
    this.#clock.sleep(IDLE_MS, idle.signal).then(
      () => this.stop(),
      () => undefined,
    )
  }
}

function epochsOf({ epochs }: KernelSetup): string {
  return epochs.map(({ epoch }) => epoch).join()
}
