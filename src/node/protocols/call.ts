/**
 * Client side of one exchange: send the request, read answers of the kind that is due, end the stream. Invariant: every
 * failure leaves as a `PlexiError` that names the host, and a stream that failed is reset, never left half-open.
 * Spec: docs/spec/05-storage-protocol.md § Exchange
 */
import { type Clock, deadline } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { MAX_TERMS_BYTES } from '../../crypto/options.ts'
import { fromWireError } from './errors.ts'
import { type Answer, type AnswerKind, decodeAnswer, encodeMessage } from './messages.ts'
import { type CallOptions, callDefaults, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, MESSAGE_VERSION } from './options.ts'
import { WireReader, type WireStream, writeBody, writeFrame } from './wire.ts'

/** One exchange with one host: an open stream, which the call consumes, and what the exchange needs. */
export interface Call {
  readonly stream: WireStream
  /** The host, as the connection authenticated it. */
  readonly host: PeerKey
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly options?: CallOptions
}

/** Who asks: the device's certificate, and the vault's terms for a host that may not know them. */
export interface Credentials {
  readonly certificate: Uint8Array
  readonly terms?: Uint8Array
}

/** The conversation of one call. */
export class Conversation {
  readonly #stream: WireStream
  readonly #host: PeerKey
  readonly #reader: WireReader
  readonly #signal: AbortSignal

  constructor(call: Pick<Call, 'stream' | 'host'>, signal: AbortSignal) {
    this.#stream = call.stream
    this.#host = call.host
    this.#reader = new WireReader(call.stream, call.host)
    this.#signal = signal
  }

  async send(message: object): Promise<void> {
    const limit = { what: 'request', maxBytes: MAX_REQUEST_BYTES }
    await writeFrame(this.#stream, { payload: encodeMessage({ v: MESSAGE_VERSION, ...message }), limit }, this.#signal)
  }

  /** A request that shows who asks, and the terms frame after it if there are terms to show. */
  async ask(credentials: Credentials, request: object): Promise<void> {
    const { certificate, terms } = credentials
    await this.send({ ...request, certificate, terms: terms !== undefined })
    if (terms === undefined) return
    await writeFrame(
      this.#stream,
      { payload: terms, limit: { what: 'terms', maxBytes: MAX_TERMS_BYTES } },
      this.#signal,
    )
  }

  async body(bytes: Uint8Array): Promise<void> {
    await writeBody(this.#stream, bytes, this.#signal)
  }

  /** The next answer. Throws the host's refusal with its own code, `NETWORK_PROTOCOL` for anything malformed. */
  async answer<K extends AnswerKind>(kind: K): Promise<Answer<K>> {
    const payload = await this.verify(() =>
      this.#reader.frame({ what: `${kind} answer`, maxBytes: MAX_ANSWER_BYTES }, this.#signal),
    )
    const decoded = await this.verify(() => decodeAnswer(kind, payload))
    if ('refused' in decoded) throw fromWireError(decoded.refused, this.#host)
    return decoded.answer
  }

  async receive(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    await this.#reader.fill(bytes, this.#signal)
    return bytes
  }

  /** Runs checks of what the host sent: what is malformed in it is the host's breach, `NETWORK_PROTOCOL`. */
  async verify<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof PlexiError && cause.code.startsWith('VALIDATION_')) {
        throw new PlexiError('NETWORK_PROTOCOL', { peer: this.#host, reason: 'a malformed answer' }, { cause })
      }
      throw cause
    }
  }

  /** For answers that decode but are not what was asked. */
  broken(reason: string): PlexiError {
    return new PlexiError('NETWORK_PROTOCOL', { peer: this.#host, reason })
  }
}

/**
 * Runs one exchange under its deadline. Rejects with the host's code, `NETWORK_TIMEOUT`, `NETWORK_PROTOCOL`,
 * `NETWORK_UNREACHABLE` for a stream that broke, or the caller's own abort reason.
 */
export async function converse<T>(
  call: Call,
  kind: keyof CallOptions,
  work: (conversation: Conversation) => Promise<T>,
): Promise<T> {
  const limit = deadline(call.clock, (call.options ?? callDefaults)[kind], call.signal)
  try {
    const result = await work(new Conversation(call, limit.signal))
    // The answer is what counts: how the stream ends changes nothing any more.
    await call.stream.close().catch(() => undefined)
    return result
  } catch (error) {
    call.stream.abort(error instanceof Error ? error : new Error('exchange failed'))
    throw explain(error, call, limit.signal)
  } finally {
    limit.clear()
  }
}

function explain(error: unknown, call: Call, limit: AbortSignal): unknown {
  if (call.signal.aborted) return call.signal.reason
  const peer = call.host
  if (limit.aborted) return new PlexiError('NETWORK_TIMEOUT', { peer }, { cause: error })
  if (error instanceof PlexiError) return error
  return new PlexiError('NETWORK_UNREACHABLE', { peer }, { cause: error })
}
