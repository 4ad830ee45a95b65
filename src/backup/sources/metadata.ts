/**
 * What a node says about an entry besides its content: owner, mode, time, hard link, extended attributes with the POSIX
 * ACLs among them. Spec: docs/spec/04-snapshot-and-head.md § Tree. Invariant: a node always fits a metadata object.
 */
import { compare } from '../../base/bytes.ts'
import type { Disk, DiskStat, Xattr } from '../../base/disk.ts'
import type { FoundXattrs } from '../kernel/jobs.ts'
import { limits } from '../options.ts'
import type { NodeType, TreeNode } from '../tree/node.ts'
import { HardLinks } from './hard-links.ts'
import type { Owners } from './owners.ts'
import { reasonOf } from './reason.ts'
import type { WalkEntry } from './walk.ts'

export type Metadata = Omit<TreeNode, 'size' | 'content' | 'list' | 'target' | 'device' | 'origin'>

export interface MetadataDeps {
  readonly disk: Disk
  readonly owners: Pick<Owners, 'user' | 'group'>
  /** Attributes that could not be kept: the backup is partial. */
  readonly incomplete: (path: Buffer, reason: string) => void
}

export class MetadataReader {
  readonly links = new HardLinks()
  readonly #deps: MetadataDeps

  constructor(deps: MetadataDeps) {
    this.#deps = deps
  }

  /** `attributes`: where they have been read already. */
  async of({ name, path, stat }: WalkEntry, attributes?: FoundXattrs): Promise<Metadata> {
    const { owners } = this.#deps
    const user = owners.user(stat.uid)
    const group = owners.group(stat.gid)
    const hardLink = this.links.numberOf(stat)
    const xattrs = this.#kept(path, attributes ?? (await this.#read(path)))
    const { mode, uid, gid, mtimeNs } = stat
    return {
      name,
      type: typeOf(stat),
      mode,
      uid,
      gid,
      mtimeNs,
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
      ...(hardLink === undefined ? {} : { hardLink }),
      ...(xattrs.length === 0 ? {} : { xattrs }),
    }
  }

  async #read(path: Buffer): Promise<FoundXattrs> {
    try {
      return await this.#deps.disk.xattrs(path)
    } catch (error) {
      return { error: reasonOf(error) }
    }
  }

  /** In the order of their names: the system's own order means nothing. */
  #kept(path: Buffer, found: FoundXattrs): readonly Xattr[] {
    if ('error' in found) {
      this.#deps.incomplete(path, `its extended attributes cannot be read: ${found.error}`)
      return []
    }
    if (found.length < 2) return this.#bounded(path, found)
    return this.#bounded(
      path,
      found.toSorted(([a], [b]) => compare(a, b)),
    )
  }

  #bounded(path: Buffer, found: readonly Xattr[]): readonly Xattr[] {
    let bytes = 0
    const kept = found.filter(([name, value], i) => {
      bytes += name.length + value.length
      return i < limits.xattrs && bytes <= limits.xattrsBytes
    })
    const lost = found.length - kept.length
    if (lost > 0) this.#deps.incomplete(path, `${String(lost)} of its extended attributes are too large to be kept`)
    return kept
  }
}

function typeOf({ kind }: DiskStat): NodeType {
  if (kind === 'directory') return 'dir'
  return kind === 'symlink' ? 'link' : kind
}
