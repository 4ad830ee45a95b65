/**
 * Copies one database and ends: a thread of its own, because the copy is one long step during which nothing else would
 * run. One step, so that a writer cannot make it begin again for ever. Started by `online-copy.ts`.
 */
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import type { CopyOrder, CopyReply } from './online-copy.ts'

const ALL_PAGES = 0x7fffffff

const { from, to, lockedWaitMs } = workerData as CopyOrder

async function copy(): Promise<CopyReply> {
  try {
    const database = new Database(from, { readonly: true, timeout: lockedWaitMs })
    try {
      // The copy needs this lock for all of its one step. Had first: a copy that is refused the lock looks finished.
      database.exec('BEGIN; SELECT count(*) FROM sqlite_schema')
      await database.backup(to, { progress: () => ALL_PAGES })
      return { ok: true }
    } finally {
      database.close()
    }
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    return { ok: false, code, message }
  }
}

// Not awaited: a thread that is stopped at the moment its module has been evaluated takes the whole process with it.
void copy().then((reply) => parentPort?.postMessage(reply))
