/**
 * libp2p streams as `WireStream` (docs/spec/05-storage-protocol.md). libp2p 3 streams are event targets: bytes arrive as
 * `message` events and `send` says when to stop. Invariant: at most one high-water mark of unread bytes is queued here
 * and at most one window below; a wait during which no byte moves for `idleMs` resets the stream.
 */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { deadline, type Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import { KiB } from '../base/bytes.ts'
import type { WireStream } from './protocols/wire.ts'

export interface WireAdapterOptions {
  /** Longest wait without a byte moving. */
  readonly idleMs: number
  /** Name of the other side, for errors. */
  readonly peer: string
}

const PAUSE_ABOVE_BYTES = 256 * KiB
const RESUME_BELOW_BYTES = 64 * KiB

export class Libp2pWire implements WireStream {
  readonly #stream: Stream
  readonly #options: WireAdapterOptions
  readonly #clock: Clock
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #ended = false
  #closed = false
  #error: Error | undefined
  readonly #wakes = new Set<() => void>()

  constructor(stream: Stream, options: WireAdapterOptions, clock: Clock) {
    this.#stream = stream
    this.#options = options
    this.#clock = clock
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('end', this.#onEnd)
    stream.addEventListener('close', this.#onClose)
    if (stream.readableEnded) this.#ended = true
    if (stream.status === 'aborted' || stream.status === 'reset') this.#error = this.#broken('the stream was reset')
  }

  async read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    while (this.#queue.length === 0) {
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) return undefined
      await this.#wait('bytes', signal)
    }
    const next = this.#queue.shift() as Uint8Array
    this.#queuedBytes -= next.length
    if (this.#queuedBytes < RESUME_BELOW_BYTES) this.#resume()
    return next
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#error !== undefined) throw this.#error
    try {
      this.#stream.send(bytes)
    } catch (error) {
      throw this.#broken('the stream is closed', error)
    }
    // Not `onDrain`: its promise is made once and stays resolved, so from the second time on it waits for nothing.
    while (this.#stream.writableNeedsDrain) {
      if (this.#closed) throw this.#ending()
      await this.#wait('drain', signal)
    }
  }

  abort(error: Error): void {
    this.#error ??= error
    this.#stream.abort(error)
    this.#wake()
  }

  async close(): Promise<void> {
    const wait = deadline(this.#clock, this.#options.idleMs)
    try {
      await this.#stream.close({ signal: wait.signal })
    } catch (error) {
      this.abort(error instanceof Error ? error : this.#broken('cannot close'))
    } finally {
      wait.clear()
    }
  }

  /** Nobody will read any more: what waits is dropped, and what the other side still sends is not kept. */
  discard(): void {
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#ended = true
    this.#stream.closeRead().catch(() => undefined)
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    const parts = event.data instanceof Uint8Array ? [event.data] : event.data
    for (const part of parts) {
      if (part.length === 0) continue
      this.#queue.push(part)
      this.#queuedBytes += part.length
    }
    if (this.#queuedBytes > PAUSE_ABOVE_BYTES && this.#stream.readStatus === 'readable') this.#stream.pause()
    this.#wake()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#wake()
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) this.#error ??= this.#broken('the stream was reset', event.error)
    else if (this.#stream.readStatus !== 'paused') this.#ended = true
    this.#closed = true
    this.#wake()
  }

  /** Takes in what libp2p held back; after the last of it the stream counts as ended. */
  #resume(): void {
    if (this.#stream.readStatus !== 'paused') return
    try {
      this.#stream.resume()
    } catch (error) {
      this.#error ??= this.#broken('the stream is closed', error)
    }
    if (this.#stream.status !== 'open' && this.#stream.status !== 'closing') this.#ended = true
  }

  /** Until bytes or the end arrived, or there is room to write; bounded by the caller's signal and by `idleMs`. */
  async #wait(what: 'bytes' | 'drain', signal: AbortSignal): Promise<void> {
    const happened = Promise.withResolvers<undefined>()
    const wait = deadline(this.#clock, this.#options.idleMs, signal)
    const wake = (): void => {
      if (what === 'drain' && this.#error !== undefined) happened.reject(this.#error)
      else happened.resolve(undefined)
    }
    const onAbort = (): void => {
      this.#wakes.delete(wake)
      happened.reject(this.#failed(wait.signal.reason, signal, wait.signal))
    }
    this.#wakes.add(wake)
    if (what === 'drain') this.#stream.addEventListener('drain', wake)
    if (wait.signal.aborted) onAbort()
    wait.signal.addEventListener('abort', onAbort, { once: true })
    try {
      await happened.promise
    } finally {
      this.#wakes.delete(wake)
      this.#stream.removeEventListener('drain', wake)
      wait.signal.removeEventListener('abort', onAbort)
      wait.clear()
    }
  }

  #wake(): void {
    for (const wake of this.#wakes) wake()
  }

  /** The error of a broken wait: the caller's own abort as it is, our deadline as a time-out, the rest as a reset. */
  #failed(error: unknown, caller: AbortSignal, wait: AbortSignal): Error {
    let failure: Error
    if (caller.aborted) failure = caller.reason instanceof Error ? caller.reason : this.#broken('aborted')
    else if (wait.aborted) failure = new PlexiError('NETWORK_TIMEOUT', { peer: this.#options.peer }, { cause: error })
    else failure = this.#broken('the stream was reset', error)
    this.abort(failure)
    return failure
  }

  #ending(): Error {
    return this.#error ?? this.#broken('the stream is closed')
  }

  #broken(reason: string, cause?: unknown): PlexiError {
    return new PlexiError('NETWORK_UNREACHABLE', { peer: this.#options.peer, reason }, { cause })
  }
}
