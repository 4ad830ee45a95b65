/** Trees as snapshots store them, in memory: made from models, and telling what of them was read. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { NodeListBuilder } from '../../src/backup/tree/list-builder.ts'
import type { NodeList, TreeNode } from '../../src/backup/tree/node.ts'
import { TreeReader } from '../../src/backup/tree/tree-reader.ts'
import { toHex } from '../../src/base/bytes.ts'
import { chunkId } from '../../src/shard/index.ts'

/** A directory as a model: names to sizes of files, or to directories. */
export interface Model {
  [name: string]: number | Model
}

/** `~` stands for a name that is not UTF-8, and looks like `é`. */
const names = fc.constantFrom('a', 'b', 'c', 'd', 'aa', 'é', '~', 'Z')

function bytesOf(name: string): Buffer {
  return name === '~' ? Buffer.from([0xe9]) : Buffer.from(name)
}

export const { tree: models } = fc.letrec<{ tree: Model; entry: number | Model }>((tie) => ({
  tree: fc.dictionary(names, tie('entry'), { maxKeys: 5, noNullPrototype: true }),
  entry: fc.oneof({ maxDepth: 3 }, fc.nat(2), tie('tree')),
}))

/** A stored path as the model has it. */
export function modelPath(names: readonly Uint8Array[]): string {
  return names.map((name) => (name[0] === 0xe9 ? '~' : Buffer.from(name).toString())).join('/')
}

/** Metadata objects in memory, and which of them were read. */
export class Objects {
  readonly #objects = new Map<string, Uint8Array>()
  readonly read = new Set<string>()
  readonly tree = new TreeReader((id) => {
    const key = toHex(id)
    this.read.add(key)
    return Promise.resolve(this.#objects.get(key) as Uint8Array)
  })

  async store(model: Model): Promise<NodeList> {
    const builder = new NodeListBuilder({
      putObject: (object) => {
        const id = createHash('sha256').update(object).digest()
        this.#objects.set(toHex(id), object)
        return Promise.resolve(chunkId(id))
      },
    })
    const byName = (a: string, b: string): number => Buffer.compare(bytesOf(a), bytesOf(b))
    for (const name of Object.keys(model).toSorted(byName)) await builder.push(await this.#node(name, model[name]))
    return builder.finish()
  }

  async #node(name: string, entry: number | Model | undefined): Promise<TreeNode> {
    const common = { name: bytesOf(name), mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n }
    if (typeof entry === 'object') return { ...common, type: 'dir', list: await this.store(entry) }
    const size = entry ?? 0
    const extents = size === 0 ? [] : [{ chunk: null, from: 0, length: size }]
    return { ...common, type: 'file', size, content: { depth: 0, extents } }
  }
}
