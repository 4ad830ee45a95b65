/**
 * Copies one database and ends: a thread of its own, because the copy is one long step during which nothing else would
 * run. One step, so that a writer cannot make it begin again for ever. Started by `online-copy.ts`.
 */
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import type { CopyOrder, CopyReply } from './online-copy.ts'

/** How long to wait for whoever holds the database locked, each time. */
const LOCKED_WAIT_MS = 10_000
/** Calls of `progress`: before the one step, and after each try that found it locked. */
const MAX_TRIES = 3
const ALL_PAGES = 0x7fffffff

const { from, to } = workerData as CopyOrder

async function copy(): Promise<CopyReply> {
  try {
    const database = new Database(from, { readonly: true, timeout: LOCKED_WAIT_MS })
    try {
      let tries = 0
      await database.backup(to, {
        progress() {
          if (++tries > MAX_TRIES) throw new Error('database is locked')
          return ALL_PAGES
        },
      })
      return { ok: true }
    } finally {
      database.close()
    }
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    return { ok: false, code, message }
  }
}

parentPort?.postMessage(await copy())
