/** Names of users and groups, so that a restore on another machine can say whose files they were. */
import { utf8 } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { sha256 } from '../../crypto/hash.ts'

export interface Owners {
  user(uid: number): string | undefined
  group(gid: number): string | undefined
  /** Of all the names. */
  readonly digest: Uint8Array
}

export interface OwnerNumbers {
  uid(user: string): number | undefined
  gid(group: string): number | undefined
}

const MAX_BYTES = 1 << 20

export async function readOwners(disk: Disk): Promise<Owners> {
  const users = await table(disk, '/etc/passwd')
  const groups = await table(disk, '/etc/group')
  const digest = sha256(utf8(JSON.stringify([[...users], [...groups]])))
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid), digest }
}

/** The other way round: who a name is on this machine. */
export async function readNumbers(disk: Disk): Promise<OwnerNumbers> {
  const users = byName(await table(disk, '/etc/passwd'))
  const groups = byName(await table(disk, '/etc/group'))
  return { uid: (user) => users.get(user), gid: (group) => groups.get(group) }
}

/** Where a name has several numbers, the first one counts. */
function byName(names: ReadonlyMap<number, string>): Map<string, number> {
  return new Map([...names].reverse().map(([number, name]) => [name, number]))
}

async function table(disk: Disk, path: string): Promise<Map<number, string>> {
  const names = new Map<number, string>()
  try {
    const text = (await disk.readFile(path, MAX_BYTES)).toString('utf8')
    for (const line of text.split('\n')) {
      const [name, , id] = line.split(':')
      if (name !== undefined && id !== undefined && /^\d+$/.test(id) && name.length <= 256) names.set(Number(id), name)
    }
  } catch {
    // No such file here: numbers alone are kept.
  }
  return names
}
