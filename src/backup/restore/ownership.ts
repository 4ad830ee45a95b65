/**
 * Whose the restored things are. Root gives them back: by name where this machine knows the name, else by number. Anybody
 * else keeps them. Invariant: setuid, setgid and what the kernel trusts (`security.*`, `trusted.*`) come back only with
 * the owner they were meant for.
 */
import type { Disk, DiskStat } from '../../base/disk.ts'
import { readNumbers, type OwnerNumbers } from '../sources/owners.ts'
import type { TreeNode } from '../tree/node.ts'
import type { Look } from './pour-job.ts'

const SETUID = 0o4000
const SETGID = 0o2000

export class Ownership {
  readonly #restores: boolean
  readonly #numbers: OwnerNumbers
  readonly #me: Pick<DiskStat, 'uid' | 'gid'>
  /** Things of somebody else that were left to whoever restores. */
  leftAlone = 0
  /** Extended attributes that only their owner's files may have. */
  attributesLeft = 0

  private constructor(restores: boolean, numbers: OwnerNumbers, me: Pick<DiskStat, 'uid' | 'gid'>) {
    this.#restores = restores
    this.#numbers = numbers
    this.#me = me
  }

  /** `made` is something that was just created. */
  static async load(disk: Disk, { restores, made }: { restores: boolean; made: DiskStat }): Promise<Ownership> {
    return new Ownership(restores, await readNumbers(disk), made)
  }

  look(node: TreeNode): Look {
    const { mtimeNs, xattrs } = node
    const uid = (node.user === undefined ? undefined : this.#numbers.uid(node.user)) ?? node.uid
    const gid = (node.group === undefined ? undefined : this.#numbers.gid(node.group)) ?? node.gid
    const kept = xattrs?.filter(([name]) => this.#restores || !isTrusted(name))
    this.attributesLeft += (xattrs?.length ?? 0) - (kept?.length ?? 0)
    const rest = { mtimeNs, ...(kept === undefined || kept.length === 0 ? {} : { xattrs: kept.map(copied) }) }
    if (this.#restores) return { ...rest, mode: node.mode, owner: [uid, gid] }
    if (uid !== this.#me.uid) this.leftAlone++
    let { mode } = node
    if (uid !== this.#me.uid) mode &= ~SETUID
    if (gid !== this.#me.gid && node.type !== 'dir') mode &= ~SETGID
    return { ...rest, mode }
  }
}

function isTrusted(name: Uint8Array): boolean {
  const text = Buffer.from(name).toString('latin1')
  return text.startsWith('security.') || text.startsWith('trusted.')
}

/** On its own memory: what crosses to a thread takes the whole memory it lies in along. */
function copied([name, value]: readonly [Uint8Array, Uint8Array]): readonly [Uint8Array, Uint8Array] {
  return [Uint8Array.from(name), Uint8Array.from(value)]
}
