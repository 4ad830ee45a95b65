/**
 * What is made after all files: symbolic links, fifos, devices, and further names of one inode. Spec:
 * docs/spec/04-snapshot-and-head.md § Restoring. Invariant: nothing is written through any of them.
 */
import { MiB } from '../../base/bytes.ts'
import { toPlexiError } from '../../base/errors.ts'
import type { TreeNode } from '../tree/node.ts'
import { xattrBytes } from './attributes.ts'
import type { Target } from './target.ts'

export interface Link {
  readonly path: Buffer
  readonly node: TreeNode
}

/** Where a file system has no hard links, or none more for this file. */
const noLinks: ReadonlySet<unknown> = new Set(['EPERM', 'EMLINK', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** What waits in memory; a tree with more links than that is walked twice. */
const MAX_WAITING_BYTES = 32 * MiB
const BYTES_PER_LINK = 500
const BYTES_PER_EXTENT = 200

export class Links {
  readonly #target: Target
  #waiting: Link[] = []
  /** Bytes of memory they take, about. */
  #bytes = 0
  /** Of those to be made later, how many are remembered or made, and how many there were on the present walk. */
  #kept = 0
  #met = 0
  /** First path of each inode that has several. */
  readonly #firsts = new Map<number, Buffer>()

  constructor(target: Target) {
    this.#target = target
  }

  /** False for a file that is to be restored now: it is the first of its inode, or the only one. */
  defer(link: Link): boolean {
    if (!this.#isLater(link)) return false
    this.#met++
    const bytes = bytesOf(link)
    // Those remembered are the first ones without a gap.
    if (this.#met > this.#kept + 1 || this.#bytes + bytes > MAX_WAITING_BYTES) return true
    this.#bytes += bytes
    this.#kept++
    this.#waiting.push(link)
    return true
  }

  /** Those remembered. `more`: there were others, which another walk in the same order has to meet again. */
  take(): { waiting: readonly Link[]; more: boolean } {
    const waiting = this.#waiting
    const more = this.#met > this.#kept
    this.#waiting = []
    this.#met = 0
    return { waiting, more }
  }

  /** On another walk: whether this one has to be made, and has not been yet. */
  isLeft(link: Link): boolean {
    return this.#isLater(link) && ++this.#met > this.#kept
  }

  #isLater({ path, node: { hardLink, type } }: Link): boolean {
    if (hardLink === undefined) return type !== 'file'
    const first = this.#firsts.get(hardLink)
    if (first === undefined) this.#firsts.set(hardLink, path)
    return type !== 'file' || (first !== undefined && !first.equals(path))
  }

  /** `copy`: it has to be a file of its own. Throws what stands in the way. */
  async make({ path, node }: Link): Promise<'made' | 'keep' | 'copy'> {
    const first = node.hardLink === undefined ? undefined : this.#firsts.get(node.hardLink)
    if (first !== undefined && !first.equals(path)) {
      const linked = await this.#tryLink(first, path, node)
      if (linked !== 'gone') return linked === 'keep' ? 'keep' : 'made'
      if (node.type === 'file') return 'copy'
    }
    return (await this.#target.special(path, node)) ? 'made' : 'keep'
  }

  async #tryLink(first: Buffer, path: Buffer, node: TreeNode): Promise<'linked' | 'gone' | 'keep'> {
    try {
      return await this.#target.hardLink(first, path, node)
    } catch (error) {
      if (noLinks.has((error as NodeJS.ErrnoException).code)) return 'gone'
      if (toPlexiError(error).code === 'VALIDATION_NOT_SUPPORTED') return 'gone'
      throw error
    }
  }
}

function bytesOf({ path, node: { target, xattrs, content } }: Link): number {
  const extents = (content?.extents.length ?? 0) * BYTES_PER_EXTENT
  return BYTES_PER_LINK + 2 * path.length + (target?.length ?? 0) + xattrBytes(xattrs) + extents
}
