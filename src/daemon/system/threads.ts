/**
 * Worker threads. Each runs `engine-thread.ts`, which answers the engine's jobs one after the other.
 * Invariant: every job is answered once: by its result, its error, or the end of the thread.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { errorTable, type ErrorCode } from '../../base/error-table.ts'
import { PlexiError, toPlexiError, type ErrorDetails } from '../../base/errors.ts'
import type { Thread, Threads } from '../../base/threads.ts'
import { keepSmall } from './memory.ts'

/** More would only fight over memory. */
const MAX_THREADS = 8

export const systemThreads: Threads = {
  count: Math.min(MAX_THREADS, availableParallelism()),
  start: (setup) => new SystemThread(setup),
}

export interface ThreadRequest {
  readonly no: number
  readonly job: unknown
}

/** Errors cross as what `PlexiError` is made of. */
export type ThreadReply =
  | { readonly no: number; readonly result: unknown }
  | { readonly no: number; readonly error: { code: string; details: ErrorDetails; message: string } }

interface Waiting {
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** Jobs leave little garbage, as their bytes lie in slabs: V8's usual room for it would only stay resident. */
const YOUNG_MB = 4

class SystemThread implements Thread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #ended: Error | undefined

  constructor(setup: unknown) {
    const ended = keepSmall()
    // The file beside this one, in the tree as in what is published.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#worker = new Worker(new URL(`./engine-thread.${extension}`, import.meta.url), {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    this.#worker.on('message', (reply: ThreadReply) => this.#settle(reply))
    this.#worker.on('error', (error) => this.#end(toPlexiError(error)))
    this.#worker.on('exit', () => {
      ended()
      this.#end(new PlexiError('SYSTEM_UNEXPECTED', { reason: 'a thread ended' }))
    })
  }

  run(job: unknown, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const no = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(no, { resolve, reject })
      this.#worker.postMessage({ no, job } satisfies ThreadRequest, [...transfer])
    })
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(reply: ThreadReply): void {
    const waiting = this.#waiting.get(reply.no)
    this.#waiting.delete(reply.no)
    if ('result' in reply) waiting?.resolve(reply.result)
    else waiting?.reject(errorOf(reply.error))
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended)
    this.#waiting.clear()
  }
}

function errorOf({ code, details, message }: { code: string; details: ErrorDetails; message: string }): PlexiError {
  const known = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'SYSTEM_UNEXPECTED'
  return new PlexiError(known, details, { message })
}
