/**
 * Server side of one exchange: a place in the bounds, deadlines, the request frame, and an answer whatever happens.
 * Invariant: a refusal goes out before any byte of a body is read, and carries a code of the wire list alone.
 * Spec: docs/spec/05-storage-protocol.md § Exchange
 */
import { type Clock, deadline } from '../../base/clock.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Metrics } from '../../base/metrics.ts'
import { toWireError } from './errors.ts'
import type { InFlight } from './in-flight.ts'
import { type Answer, type AnswerKind, encodeMessage, encodeRefusal } from './messages.ts'
import { MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, type ServeOptions } from './options.ts'
import { type ProtocolHandler, type WirePeer, WireReader, type WireStream, writeBody, writeFrame } from './wire.ts'

export interface ServeDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly inFlight: InFlight
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal
}

/** What a handler of one verb works with. */
export class Exchange {
  readonly from: WirePeer
  readonly reader: WireReader
  /** Ends with the deadline of what is going on, or with the node. */
  signal: AbortSignal
  readonly #stream: WireStream
  readonly #inFlight: InFlight

  constructor(stream: WireStream, from: WirePeer, ports: { inFlight: InFlight; signal: AbortSignal }) {
    this.#stream = stream
    this.from = from
    this.reader = new WireReader(stream, from.peer)
    this.#inFlight = ports.inFlight
    this.signal = ports.signal
  }

  async answer<K extends AnswerKind>(kind: K, answer: Answer<K>): Promise<void> {
    const limit = { what: `${kind} answer`, maxBytes: MAX_ANSWER_BYTES }
    await writeFrame(this.#stream, { payload: encodeMessage(answer), limit }, this.signal)
  }

  body(bytes: Uint8Array): Promise<void> {
    return writeBody(this.#stream, bytes, this.signal)
  }

  /** Runs `work` while `bytes` of memory for a body are held for this peer. */
  async holding<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const giveBack = await this.#inFlight.hold(this.from.peer, bytes, this.signal)
    try {
      return await work()
    } finally {
      giveBack()
    }
  }
}

/** Reads the request and runs the verb: everything of a protocol that is its own. */
export interface Protocol {
  readonly name: string
  decode(payload: Uint8Array): { readonly verb: string; run(exchange: Exchange): Promise<void> }
}

/** A handler that never rejects and always ends the stream. */
export function serve(protocol: Protocol, options: ServeOptions, deps: ServeDeps): ProtocolHandler {
  const requests = deps.metrics.counter('plexi_requests_total', 'Requests of peers')
  const refusals = deps.metrics.counter('plexi_refusals_total', 'Requests of peers that were refused')
  return async (stream, from) => {
    requests.add()
    const leave = deps.inFlight.enter(from.peer)
    let verb = 'request'
    try {
      if (leave === undefined) throw new PlexiError('NETWORK_BUSY', { peer: 'host' })
      const exchange = new Exchange(stream, from, { inFlight: deps.inFlight, signal: deps.stopping })
      const request = await within({ exchange, deps, timeoutMs: options.requestMs }, async (signal) => {
        const payload = await exchange.reader.frame({ what: verb, maxBytes: MAX_REQUEST_BYTES }, signal)
        return protocol.decode(payload)
      })
      verb = request.verb
      await within({ exchange, deps, timeoutMs: options.exchangeMs }, () => request.run(exchange))
      await stream.close()
    } catch (error) {
      refusals.add()
      logRefusal(deps.log, error, { protocol: protocol.name, verb, peer: from.peer })
      await refuse(stream, error, { clock: deps.clock, refusalMs: options.refusalMs })
    } finally {
      leave?.()
    }
  }
}

/** `work` under a deadline of its own, which also is the exchange's while it runs. */
async function within<T>(
  bounds: { exchange: Exchange; deps: ServeDeps; timeoutMs: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { exchange, deps, timeoutMs } = bounds
  const limit = deadline(deps.clock, timeoutMs, deps.stopping)
  exchange.signal = limit.signal
  try {
    return await work(limit.signal)
  } catch (error) {
    if (limit.signal.aborted && !deps.stopping.aborted) {
      throw new PlexiError('SYSTEM_TIMEOUT', { what: 'exchange', timeoutMs }, { cause: error })
    }
    throw error
  } finally {
    limit.clear()
  }
}

/** Tells the peer why, if it still listens; resets the stream if it does not. */
async function refuse(stream: WireStream, error: unknown, ports: { clock: Clock; refusalMs: number }): Promise<void> {
  const limit = deadline(ports.clock, ports.refusalMs)
  const frame = { payload: encodeRefusal(toWireError(error)), limit: { what: 'refusal', maxBytes: MAX_ANSWER_BYTES } }
  try {
    await writeFrame(stream, frame, limit.signal)
    await stream.close()
  } catch (cause) {
    stream.abort(toPlexiError(cause))
  } finally {
    limit.clear()
  }
}

/** Refusals are everyday; only what we did not expect is worth a line that everybody sees. */
function logRefusal(log: Logger, error: unknown, fields: { protocol: string; verb: string; peer: string }): void {
  const { code } = toPlexiError(error)
  if (code === 'SYSTEM_UNEXPECTED' || code.startsWith('STORAGE_IO') || code === 'STORAGE_DATABASE') {
    log.error('a request of a peer failed', { ...fields, code, error })
  } else {
    log.debug('a request of a peer was refused', { ...fields, code })
  }
}
