/**
 * What is made after all files: symbolic links, fifos, devices, and further names of one inode. Spec:
 * docs/spec/04-snapshot-and-head.md § Restoring. Invariant: nothing is written through any of them.
 */
import { toPlexiError } from '../../base/errors.ts'
import type { TreeNode } from '../tree/node.ts'
import type { Target } from './target.ts'

export interface Link {
  readonly path: Buffer
  readonly relative: Buffer
  readonly node: TreeNode
}

/** Where a file system has no hard links, or none more for this file. */
const noLinks: ReadonlySet<unknown> = new Set(['EPERM', 'EMLINK', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

export class Links {
  readonly #target: Target
  #waiting: Link[] = []
  /** First path of each inode that has several. */
  readonly #firsts = new Map<number, Buffer>()

  constructor(target: Target) {
    this.#target = target
  }

  /** False for a file that is to be restored now: it is the first of its inode, or the only one. */
  defer(link: Link): boolean {
    const { hardLink, type } = link.node
    if (hardLink !== undefined && !this.#firsts.has(hardLink)) this.#firsts.set(hardLink, link.path)
    else if (hardLink !== undefined) {
      this.#waiting.push(link)
      return true
    }
    if (type === 'file') return false
    this.#waiting.push(link)
    return true
  }

  take(): Link[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  /** `copy`: it has to be a file of its own. Throws what stands in the way. */
  async make({ path, node }: Link): Promise<'made' | 'keep' | 'copy'> {
    const first = node.hardLink === undefined ? undefined : this.#firsts.get(node.hardLink)
    if (first !== undefined && first !== path) {
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
