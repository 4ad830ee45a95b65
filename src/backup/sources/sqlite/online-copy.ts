/**
 * A consistent copy of a database that may be in use, made by SQLite's online backup in a thread of its own.
 * Invariant: the copy holds every row committed before it was begun, and nothing of a transaction that was not.
 */
import { isUtf8 } from 'node:buffer'
import { Worker } from 'node:worker_threads'
import { SECOND } from '../../../base/clock.ts'

export interface CopyOrder {
  readonly from: string
  readonly to: string
  /** How long to wait for whoever holds the database locked; then the reply's code is `SQLITE_BUSY`. */
  readonly lockedWaitMs: number
}

export type CopyReply = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string }

const LOCKED_WAIT_MS = 10 * SECOND

/** Says why not where it cannot be opened or read as a database; throws when aborted. The copy is a file that was not there. */
export async function copyOnline(
  from: Buffer,
  to: string,
  { signal, lockedWaitMs = LOCKED_WAIT_MS }: { signal: AbortSignal; lockedWaitMs?: number },
): Promise<CopyReply> {
  signal.throwIfAborted()
  if (!isUtf8(from)) return { ok: false, code: '', message: 'its path is not UTF-8' }
  // The file beside this one, in the tree as in what is published.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const order: CopyOrder = { from: String(from), to, lockedWaitMs }
  const worker = new Worker(new URL(`./online-copy-thread.${extension}`, import.meta.url), { workerData: order })
  const stop = (): void => void worker.terminate()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await replyOf(worker, signal)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** When the thread has ended, by itself unless it is stopped: nothing touches the copy any more. */
function replyOf(worker: Worker, signal: AbortSignal): Promise<CopyReply> {
  let reply: CopyReply | undefined
  let failure: unknown
  worker.once('message', (message: CopyReply) => (reply = message))
  worker.once('error', (error: unknown) => (failure = error))
  return new Promise((resolve, reject) => {
    worker.once('exit', () => {
      if (reply !== undefined) resolve(reply)
      else reject((failure ?? signal.reason ?? new Error('the copying thread ended')) as Error)
    })
  })
}
