/**
 * What exchanges under way may cost: streams and body bytes, per peer and in total. Invariant: a peer at its own bound
 * never keeps others waiting. Spec: docs/spec/05-storage-protocol.md § Limits
 */
import type { ServeOptions } from './options.ts'

type Bounds = Pick<ServeOptions, 'maxStreamsPerPeer' | 'maxStreams' | 'maxBytesPerPeer' | 'maxBytes'>

interface Waiting {
  readonly peer: string
  readonly bytes: number
  grant(): void
}

export class InFlight {
  readonly #bounds: Bounds
  readonly #streams = new Map<string, number>()
  readonly #bytes = new Map<string, number>()
  /** In order of arrival; no longer than there are streams. */
  readonly #waiting: Waiting[] = []
  #allStreams = 0
  #allBytes = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  get streams(): number {
    return this.#allStreams
  }

  get bytes(): number {
    return this.#allBytes
  }

  /** A place for one more stream, to be left exactly once; undefined when there is none. */
  enter(peer: string): (() => void) | undefined {
    const own = this.#streams.get(peer) ?? 0
    if (own >= this.#bounds.maxStreamsPerPeer || this.#allStreams >= this.#bounds.maxStreams) return undefined
    this.#count(this.#streams, peer, 1)
    this.#allStreams++
    return () => {
      this.#count(this.#streams, peer, -1)
      this.#allStreams--
    }
  }

  /** Waits until `bytes` more may be held for `peer`; resolves to what gives them back, once. */
  async hold(peer: string, bytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (!this.#fits(peer, bytes) || this.#waiting.some((other) => other.peer === peer)) {
      await this.#wait(peer, bytes, signal)
    } else {
      this.#take(peer, bytes)
    }
    return () => {
      this.#take(peer, -bytes)
      this.#grant()
    }
  }

  async #wait(peer: string, bytes: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const waiting: Waiting = {
      peer,
      bytes,
      grant: () => {
        this.#take(peer, bytes)
        resolve(undefined)
      },
    }
    const onAbort = () => {
      const at = this.#waiting.indexOf(waiting)
      if (at < 0) return
      this.#waiting.splice(at, 1)
      reject(signal.reason as Error)
    }
    this.#waiting.push(waiting)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #grant(): void {
    for (let i = 0; i < this.#waiting.length;) {
      const next = this.#waiting[i] as Waiting
      if (this.#fits(next.peer, next.bytes)) {
        this.#waiting.splice(i, 1)
        next.grant()
      } else {
        i++
      }
    }
  }

  #fits(peer: string, bytes: number): boolean {
    const { maxBytes, maxBytesPerPeer } = this.#bounds
    return this.#allBytes + bytes <= maxBytes && (this.#bytes.get(peer) ?? 0) + bytes <= maxBytesPerPeer
  }

  #take(peer: string, bytes: number): void {
    this.#count(this.#bytes, peer, bytes)
    this.#allBytes += bytes
  }

  #count(map: Map<string, number>, key: string, delta: number): void {
    const value = (map.get(key) ?? 0) + delta
    if (value === 0) map.delete(key)
    else map.set(key, value)
  }
}
