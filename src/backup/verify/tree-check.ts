/**
 * Whether everything that trees refer to is there. Lists are decoded by threads, a few at once; every chunk they name is
 * looked up. Invariants: memory is bounded by the depth of a tree, the lists at work and the lists remembered; a list that
 * was found whole is not looked into again, in whichever snapshot it stands.
 */
import { compare, view } from '../../base/bytes.ts'
import type { ChunkId } from '../../shard/index.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import { nameAt } from '../kernel/names.ts'
import type { KernelPool } from '../kernel/pool.ts'
import { limits } from '../options.ts'
import { nameText } from '../sources/excludes.ts'
import type { NodeList } from '../tree/node.ts'
import type { ReadChunk, TreeReader } from '../tree/tree-reader.ts'
import type { Uses, UsesResult } from './uses-job.ts'
import { usesOf } from './uses.ts'

export interface TreeCheckDeps {
  readonly kernel: Pick<KernelPool, 'run'>
  readonly tree: TreeReader
  readonly read: ReadChunk
  readonly isThere: (chunk: ChunkId) => boolean
  readonly signal: AbortSignal
}

/** A directory in one snapshot. */
interface Place {
  /** As text, from the top of the snapshot. */
  readonly path: string
  readonly pathBytes: number
  readonly depth: number
  readonly hit: (path: string) => void
}

/** What was found of a leaf and all below it; `edges`: its first and its last name, none when it is empty. */
interface Leaf {
  readonly whole: boolean
  readonly edges?: readonly [Buffer, Buffer]
}

const AT_ONCE = 6
/** About 300 bytes each. */
const REMEMBERED = 100_000
/** What is shorter is decoded here sooner than it would have come back. */
const SHORT_BYTES = 2048

export class TreeCheck {
  readonly #deps: TreeCheckDeps
  readonly #whole = new Map<string, Leaf>()
  #atWork = 0

  constructor(deps: TreeCheckDeps) {
    this.#deps = deps
  }

  /**
   * `hit` is told every path of which something is not there; of what lies below a list that cannot be read, nothing is
   * said. Throws when it is aborted.
   */
  async check(list: NodeList, hit: (path: string) => void): Promise<void> {
    await this.#directory(list, { path: '', pathBytes: 0, depth: 0, hit })
  }

  async #directory(list: NodeList, place: Place): Promise<boolean> {
    const { tree, isThere, signal } = this.#deps
    const leaves: Promise<Leaf>[] = []
    let whole = place.depth < limits.pathDepth && place.pathBytes <= limits.pathBytes
    try {
      if (whole)
        for await (const { id, isLeaf } of tree.lists(list)) {
          if (!isThere(id)) whole = false
          if (isLeaf) await this.#start(leaves, () => this.#leaf(id, place))
        }
    } catch {
      whole = false
    }
    const found = await allOf(leaves)
    signal.throwIfAborted()
    whole &&= inOrder(found)
    if (!whole) place.hit(place.path)
    return whole && found.every((leaf) => leaf.whole)
  }

  async #leaf(id: ChunkId, place: Place): Promise<Leaf> {
    const key = view(id).toString('latin1')
    const known = this.#whole.get(key)
    if (known !== undefined) return known
    const uses = await this.#usesOf(id)
    this.#deps.signal.throwIfAborted()
    if (uses === undefined) {
      place.hit(place.path)
      return { whole: false }
    }
    const content = this.#hasChunks(uses, place)
    const long = await this.#hasLong(uses, place)
    const below = await this.#below(uses, place)
    const leaf = { whole: content && long && below, ...edgesOf(uses) }
    if (leaf.whole && this.#whole.size < REMEMBERED) this.#whole.set(key, leaf)
    return leaf
  }

  /** Undefined when the list cannot be read or is none. */
  async #usesOf(id: ChunkId): Promise<Uses | undefined> {
    const bytes = await this.#deps.read(id).catch(() => undefined)
    if (bytes === undefined) return undefined
    const uses = await this.#decoded(bytes)
    return 'malformed' in uses ? undefined : uses
  }

  #decoded(bytes: Uint8Array): Promise<UsesResult> {
    if (bytes.length < SHORT_BYTES) return Promise.resolve(usesOf({ nodes: bytes }))
    // In memory of its own: with a view crosses all that it is a view of.
    return this.#deps.kernel.run('uses', { nodes: Uint8Array.from(bytes) })
  }

  #hasChunks(uses: Uses, place: Place): boolean {
    let whole = true
    for (const [i, node] of uses.owners.entries()) {
      if (this.#deps.isThere(uses.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES) as ChunkId)) continue
      place.hit(inside(place, uses, node).path)
      whole = false
    }
    return whole
  }

  async #hasLong(uses: Uses, place: Place): Promise<boolean> {
    const { tree, isThere, signal } = this.#deps
    let whole = true
    for (const { node, size, content } of uses.long) {
      let there = true
      try {
        for await (const chunk of tree.listChunks({ content })) there &&= isThere(chunk)
        for await (const { chunk } of tree.extents(content, size)) there &&= chunk === null || isThere(chunk)
      } catch {
        signal.throwIfAborted()
        there = false
      }
      if (!there) place.hit(inside(place, uses, node).path)
      whole &&= there
    }
    return whole
  }

  async #below(uses: Uses, place: Place): Promise<boolean> {
    const directories: Promise<boolean>[] = []
    for (const { node, list } of uses.directories)
      await this.#start(directories, () => this.#directory(list, inside(place, uses, node)))
    return (await allOf(directories)).every((whole) => whole)
  }

  /** Begins work beside what goes on already, while that is little enough; else it is done first. */
  async #start<T>(begun: Promise<T>[], work: () => Promise<T>): Promise<void> {
    const isRoom = this.#atWork < AT_ONCE
    if (isRoom) this.#atWork++
    const running = work().finally(() => {
      if (isRoom) this.#atWork--
    })
    running.catch(() => undefined)
    begun.push(running)
    if (!isRoom) await running.catch(() => undefined)
  }
}

/** When all have ended; throws what one of them threw. */
async function allOf<T>(running: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(running)
  return Promise.all(running)
}

function inside({ path, pathBytes, depth, hit }: Place, uses: Uses, node: number): Place {
  const name = nameAt(uses, node)
  const text = nameText(name)
  return { path: path === '' ? text : `${path}/${text}`, pathBytes: pathBytes + 1 + name.length, depth: depth + 1, hit }
}

function edgesOf(uses: Uses): Pick<Leaf, 'edges'> {
  const last = uses.ends.length - 1
  return last < 0 ? {} : { edges: [Buffer.from(nameAt(uses, 0)), Buffer.from(nameAt(uses, last))] }
}

/** As whoever reads the directory wants it: names ascend from leaf to leaf, one is empty at most. */
function inOrder(leaves: readonly Leaf[]): boolean {
  const known = leaves.filter(({ edges, whole }) => edges !== undefined || whole)
  const full = known.flatMap(({ edges }) => (edges === undefined ? [] : [edges]))
  if (known.length - full.length > 1) return false
  return full.every((edges, i) => i === 0 || compare((full[i - 1] as readonly Buffer[])[1] as Buffer, edges[0]) < 0)
}
