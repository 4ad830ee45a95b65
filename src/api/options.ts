/** Bounds of the API, with their reasons. Lengths in bytes, times in milliseconds. */
export interface ApiOptions {
  /** Where the Unix socket lies; null: none (Windows). */
  readonly socketPath: string | null
  /** TCP port on 127.0.0.1 and ::1; 0: chosen by the system; null: no TCP. */
  readonly port: number | null
  /** JSON bodies. */
  readonly maxBodyBytes: number
  /** Requests a minute and address over TCP. The socket's owner is not limited. */
  readonly requestsPerMinute: number
  readonly maxSockets: number
  /** A WebSocket says who it is within this time. */
  readonly helloTimeoutMs: number
  readonly socketPingMs: number
  /** Requests that are still running when the daemon stops get this long. */
  readonly stopTimeoutMs: number
  /** Answers to writes kept for their Idempotency-Key. */
  readonly idempotencyEntries: number
  readonly idempotencyMs: number
  readonly defaultPageItems: number
}

export const apiDefaults: Omit<ApiOptions, 'socketPath' | 'port'> = {
  maxBodyBytes: 1_048_576,
  requestsPerMinute: 1_200,
  maxSockets: 64,
  helloTimeoutMs: 5_000,
  socketPingMs: 20_000,
  stopTimeoutMs: 2_000,
  idempotencyEntries: 1_000,
  idempotencyMs: 24 * 60 * 60 * 1000,
  defaultPageItems: 500,
}
