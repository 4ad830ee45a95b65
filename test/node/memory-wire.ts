/** Two ends of a stream in memory, with back-pressure, and a count of what each side really took out. */
import type { WireStream } from '../../src/node/protocols/wire.ts'

const HIGH_WATER_BYTES = 256 * 1024

export interface MemoryWire extends WireStream {
  /** Bytes that `read` has returned here. */
  readonly takenBytes: number
  readonly aborted: boolean
  readonly closed: boolean
}

export function memoryWirePair(): { client: MemoryWire; server: MemoryWire } {
  const there = new Pipe()
  const back = new Pipe()
  return { client: end(back, there), server: end(there, back) }
}

function end(input: Pipe, output: Pipe): MemoryWire {
  return {
    get takenBytes() {
      return input.taken
    },
    get aborted() {
      return input.error !== undefined
    },
    get closed() {
      return output.ended
    },
    read: (signal) => input.read(signal),
    write: (bytes, signal) => output.write(bytes, signal),
    abort(error) {
      input.fail(error)
      output.fail(error)
    },
    close() {
      output.end()
      return Promise.resolve()
    },
  }
}

class Pipe {
  taken = 0
  ended = false
  error: Error | undefined
  #queued = 0
  readonly #chunks: Uint8Array[] = []
  readonly #waiting = new Set<() => void>()

  async read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      signal.throwIfAborted()
      this.#check()
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.taken += chunk.length
        this.#queued -= chunk.length
        this.#wake()
        return chunk
      }
      if (this.ended) return undefined
      await this.#change(signal)
    }
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#check()
    if (this.ended) throw new Error('write after end')
    if (bytes.length > 0) this.#chunks.push(Uint8Array.from(bytes))
    this.#queued += bytes.length
    this.#wake()
    while (this.#queued > HIGH_WATER_BYTES) {
      await this.#change(signal)
      this.#check()
    }
  }

  end(): void {
    this.ended = true
    this.#wake()
  }

  fail(error: Error): void {
    this.error ??= error
    this.#wake()
  }

  #check(): void {
    if (this.error !== undefined) throw this.error
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const onAbort = () => {
      reject(signal.reason as Error)
    }
    this.#waiting.add(() => {
      resolve(undefined)
    })
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
