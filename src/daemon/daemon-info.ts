/** `run/daemon.json`: what the running daemon says about itself, for `up`, `down` and messages. Never trusted as a lock. */
import * as z from 'zod'
import { utf8 } from '../base/bytes.ts'
import type { Disk } from '../base/disk.ts'
import type { HomePaths } from '../config/home.ts'

const infoSchema = z.strictObject({
  pid: z.int().positive(),
  peerId: z.string(),
  vault: z.string(),
  addresses: z.array(z.string()),
  /** `http://127.0.0.1:PORT` */
  api: z.string(),
  /** False while it is starting. */
  ready: z.boolean(),
  startedAt: z.string(),
})

export type DaemonInfo = z.infer<typeof infoSchema>

/** Undefined where none was written or it cannot be read. */
export async function readDaemonInfo(disk: Disk, paths: HomePaths): Promise<DaemonInfo | undefined> {
  try {
    const text = (await disk.readFile(paths.daemonInfo, 100_000)).toString('utf8')
    return infoSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

export async function writeDaemonInfo(disk: Disk, paths: HomePaths, info: DaemonInfo): Promise<void> {
  await disk.writeFileAtomic(paths.daemonInfo, utf8(`${JSON.stringify(info, undefined, 2)}\n`))
}
