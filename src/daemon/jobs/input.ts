/** The stream a job reads, handed over once: from whoever brings it to the job that waits for it. */
import { PlexiError } from '../../base/errors.ts'
import { Channel } from '../../base/queue.ts'

/** Pieces in flight between the connection and the job; a piece is what one read of the socket gives. */
const MAX_PIECES = 16

export class JobInput implements AsyncIterable<Uint8Array> {
  readonly #pieces = new Channel<Uint8Array>(MAX_PIECES)
  readonly #begun = Promise.withResolvers<undefined>()
  #fed = false

  get fed(): boolean {
    return this.#fed
  }

  /** Resolves when the input has begun. */
  get begun(): Promise<undefined> {
    return this.#begun.promise
  }

  /** Passes on all of `body`, no faster than it is read. Its failure is the reader's failure. */
  async feed(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ bytes: number }> {
    if (this.#fed) throw new PlexiError('VALIDATION_USAGE', { reason: 'the input of this job was already given' })
    this.#fed = true
    this.#begun.resolve(undefined)
    let bytes = 0
    try {
      for await (const piece of body) {
        signal.throwIfAborted()
        if (!(await this.#pieces.push(piece))) throw new PlexiError('SYSTEM_INTERRUPTED')
        bytes += piece.length
      }
      signal.throwIfAborted()
      this.#pieces.end()
      return { bytes }
    } catch (error) {
      this.#pieces.fail(error)
      throw error
    }
  }

  /** Nothing comes any more, or nobody reads any more. */
  fail(error: unknown): void {
    this.#pieces.fail(error)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#pieces[Symbol.asyncIterator]()
  }
}
