/**
 * Threads as a port: a thread takes plain messages one after the other and answers each. Real ones live below
 * `daemon/system`; tests and the simulator run the same jobs on the caller's own thread.
 */
export interface Thread {
  /**
   * Runs one job; jobs of a thread run in the order they were posted. Views over a `SharedArrayBuffer` are shared, other
   * bytes are copied, `transfer` is handed over. Rejects with the job's own error, or when the thread died.
   */
  run(job: unknown, transfer?: readonly ArrayBuffer[]): Promise<unknown>
  /** Ends it; jobs that have not answered are rejected. */
  stop(): Promise<void>
}

export interface Threads {
  /** How many can work at the same time. */
  readonly count: number
  /** Starts one; `setup` is handed to its jobs as it is. */
  start(setup: unknown): Thread
}

/** What a job gives back: its result, and the buffers in it that may be handed over instead of copied. */
export interface Answer {
  readonly result: unknown
  readonly transfer?: readonly ArrayBuffer[]
}
