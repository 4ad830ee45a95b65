/** Repeating what may fail for a while: exponential backoff with full jitter. */
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

export interface RetryOptions {
  readonly attempts: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** Whether another attempt can help; default: always. */
  readonly again?: (error: unknown) => boolean
}

/** Runs `work` up to `attempts` times; throws its last error. */
export async function retry<T>(
  options: RetryOptions,
  ports: { clock: Clock; random: Random; signal?: AbortSignal },
  work: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    ports.signal?.throwIfAborted()
    try {
      return await work(attempt)
    } catch (error) {
      if (attempt >= options.attempts || options.again?.(error) === false) throw error
      const ceiling = Math.min(options.maxDelayMs, options.firstDelayMs * 2 ** (attempt - 1))
      await ports.clock.sleep(ports.random.below(Math.max(1, Math.floor(ceiling))), ports.signal)
    }
  }
}
