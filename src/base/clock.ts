/**
 * Time as a port: real below `daemon/system`, virtual in the simulator. Wall time may jump; waits use elapsed time.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970 UTC. May jump in either direction. */
  now(): number
  /** Milliseconds since some start; never goes back. For durations and deadlines. */
  elapsed(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** RFC 3339 UTC with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** An `AbortSignal` that fires after `ms` of the given clock, or with `parent`. Call `clear` when the wait is over. */
export function deadline(clock: Clock, ms: number, parent?: AbortSignal): { signal: AbortSignal; clear: () => void } {
  const own = new AbortController()
  const stop = new AbortController()
  clock.sleep(ms, stop.signal).then(
    () => {
      own.abort(new DOMException(`no answer in ${String(ms)} ms`, 'TimeoutError'))
    },
    () => {
      /* cleared before it was due */
    },
  )
  const signal = parent === undefined ? own.signal : AbortSignal.any([own.signal, parent])
  return {
    signal,
    clear: () => {
      stop.abort()
    },
  }
}

/** What `work` comes to, or the reason of the signal once it is aborted; the work itself goes on. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => {
    aborted.reject(signal.reason as Error)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
