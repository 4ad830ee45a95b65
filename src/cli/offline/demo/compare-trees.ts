/** Compares two trees as a backup must keep them: names as bytes, kinds, content, modes, times to the µs, links. */
import { lstat, open, readdir, readlink, type FileHandle } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'

export interface Comparison {
  readonly files: number
  readonly dirs: number
  readonly links: number
  readonly bytes: number
  /** What differs, as `path: what`; at most 20. */
  readonly differences: readonly string[]
}

const MAX_DIFFERENCES = 20
const BLOCK_BYTES = 1024 * 1024

/** Compares `a` with `b`. Neither is followed where it is a link. */
export async function compareTrees(a: string, b: string): Promise<Comparison> {
  const walk = new Walk()
  await walk.entry(Buffer.from(a), Buffer.from(b))
  return walk.result()
}

class Walk {
  #files = 0
  #dirs = 0
  #links = 0
  #bytes = 0
  readonly #differences: string[] = []

  result(): Comparison {
    return {
      files: this.#files,
      dirs: this.#dirs,
      links: this.#links,
      bytes: this.#bytes,
      differences: this.#differences,
    }
  }

  async entry(a: Buffer, b: Buffer): Promise<void> {
    const [left, right] = await Promise.all([
      lstat(a, { bigint: true }),
      lstat(b, { bigint: true }).catch(() => undefined),
    ])
    if (right === undefined) {
      this.#differ(a, 'missing')
      return
    }
    if (!this.#sameMeta(a, left, right)) return
    if (left.isDirectory()) await this.#directory(a, b)
    else if (left.isSymbolicLink()) await this.#link(a, b)
    else if (left.isFile()) await this.#file(a, b, Number(left.size))
  }

  #sameMeta(path: Buffer, left: BigIntStats, right: BigIntStats): boolean {
    if ((left.mode & 0o170000n) !== (right.mode & 0o170000n)) {
      this.#differ(path, 'kind')
      return false
    }
    if (!left.isSymbolicLink() && left.mode !== right.mode)
      this.#differ(path, `mode ${left.mode.toString(8)} ≠ ${right.mode.toString(8)}`)
    if (left.mtimeNs / 1000n !== right.mtimeNs / 1000n)
      this.#differ(path, `time ${String(left.mtimeNs)} ≠ ${String(right.mtimeNs)}`)
    return true
  }

  async #directory(a: Buffer, b: Buffer): Promise<void> {
    this.#dirs++
    const [left, right] = await Promise.all([names(a), names(b)])
    for (const name of left) await this.entry(child(a, name), child(b, name))
    const known = new Set(left.map((name) => name.toString('hex')))
    for (const name of right) if (!known.has(name.toString('hex'))) this.#differ(child(a, name), 'only in the copy')
  }

  async #link(a: Buffer, b: Buffer): Promise<void> {
    this.#links++
    const [left, right] = await Promise.all([readlink(a, { encoding: 'buffer' }), readlink(b, { encoding: 'buffer' })])
    if (!left.equals(right)) this.#differ(a, 'link target')
  }

  async #file(a: Buffer, b: Buffer, size: number): Promise<void> {
    this.#files++
    this.#bytes += size
    const [left, right] = await Promise.all([open(a), open(b)])
    try {
      if (!(await sameContent(left, right))) this.#differ(a, 'content')
    } finally {
      await Promise.all([left.close(), right.close()])
    }
  }

  #differ(path: Buffer, what: string): void {
    if (this.#differences.length < MAX_DIFFERENCES) this.#differences.push(`${path.toString()}: ${what}`)
  }
}

async function sameContent(left: FileHandle, right: FileHandle): Promise<boolean> {
  const blocks = [Buffer.allocUnsafe(BLOCK_BYTES), Buffer.allocUnsafe(BLOCK_BYTES)] as const
  for (let at = 0; ; at += BLOCK_BYTES) {
    const [a, b] = await Promise.all([fillBlock(left, blocks[0], at), fillBlock(right, blocks[1], at)])
    if (!a.equals(b)) return false
    if (a.length < BLOCK_BYTES) return true
  }
}

async function fillBlock(file: FileHandle, block: Buffer, position: number): Promise<Buffer> {
  let at = 0
  while (at < block.length) {
    const { bytesRead } = await file.read(block, at, block.length - at, position + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return block.subarray(0, at)
}

async function names(folder: Buffer): Promise<Buffer[]> {
  return (await readdir(folder, { encoding: 'buffer' })).toSorted((x, y) => Buffer.compare(x, y))
}

function child(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name])
}

/** `compareTrees` for backed-up paths that came back under `target` by their base names. */
export async function compareRestored(paths: readonly string[], target: string): Promise<Comparison> {
  const all = await Promise.all(paths.map((path) => compareTrees(path, join(target, path.split('/').at(-1) ?? ''))))
  return {
    files: sum(all.map((c) => c.files)),
    dirs: sum(all.map((c) => c.dirs)),
    links: sum(all.map((c) => c.links)),
    bytes: sum(all.map((c) => c.bytes)),
    differences: all.flatMap((c) => c.differences),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
