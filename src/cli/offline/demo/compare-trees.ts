/**
 * Compares two trees as a backup must keep them: names as bytes, kinds, content, modes, times to the ns, symbolic and
 * hard links, devices, extended attributes.
 */
import { lstat, open, readdir, readlink, type FileHandle } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import type { Disk, Xattr } from '../../../base/disk.ts'

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

/** What can be compared beyond what the runtime shows. */
export type ExactDisk = Pick<Disk, 'support' | 'xattrs'>

/** Labels that the system gives by its own rules. */
const systemLabels = ['security.selinux', 'security.ima', 'security.evm']

/**
 * Compares `a` with `b`. Neither is followed where it is a link. Without `disk`, or where it cannot tell better, times
 * are compared to the µs and extended attributes are not.
 */
export async function compareTrees(a: string, b: string, disk?: ExactDisk): Promise<Comparison> {
  const walk = new Walk(disk)
  await walk.entry(Buffer.from(a), Buffer.from(b))
  return walk.result()
}

class Walk {
  #files = 0
  #dirs = 0
  #links = 0
  #bytes = 0
  readonly #differences: string[] = []
  readonly #disk: ExactDisk | undefined
  readonly #unitNs: bigint
  /** Inodes with several names: where those of one tree are in the other, both ways. */
  readonly #inodes = new Map<string, string>()

  constructor(disk: ExactDisk | undefined) {
    this.#disk = disk
    this.#unitNs = disk?.support.exactTimes === true ? 1n : 1000n
  }

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
    await this.#sameXattrs(a, b)
    if (!left.isDirectory()) this.#sameLinks(a, left, right)
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
    if (floor(left.mtimeNs, this.#unitNs) !== floor(right.mtimeNs, this.#unitNs))
      this.#differ(path, `time ${String(left.mtimeNs)} ≠ ${String(right.mtimeNs)}`)
    if ((left.isCharacterDevice() || left.isBlockDevice()) && left.rdev !== right.rdev) this.#differ(path, 'device')
    return true
  }

  #sameLinks(path: Buffer, left: BigIntStats, right: BigIntStats): void {
    if (left.nlink < 2n && right.nlink < 2n) return
    const [a, b] = [`a ${inode(left)}`, `b ${inode(right)}`]
    const [known, knownBack] = [this.#inodes.get(a), this.#inodes.get(b)]
    if ((known ?? b) !== b || (knownBack ?? a) !== a) this.#differ(path, 'hard links')
    this.#inodes.set(a, b).set(b, a)
  }

  async #sameXattrs(a: Buffer, b: Buffer): Promise<void> {
    if (this.#disk?.support.xattrs !== true) return
    const [left, right] = await Promise.all([this.#disk.xattrs(a), this.#disk.xattrs(b)])
    if (xattrText(left) !== xattrText(right)) this.#differ(a, 'extended attributes')
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

function inode({ dev, ino }: BigIntStats): string {
  return `${String(dev)}:${String(ino)}`
}

/** Rounded down to whole units, before 1970 too. */
function floor(ns: bigint, unit: bigint): bigint {
  return ns / unit - (ns % unit < 0n ? 1n : 0n)
}

/** Equal texts mean equal attributes, in whatever order. */
function xattrText(xattrs: readonly Xattr[]): string {
  const pairs = xattrs.map(([name, value]) => [
    Buffer.from(name).toString('latin1'),
    Buffer.from(value).toString('hex'),
  ])
  return pairs
    .filter(([name = '']) => !systemLabels.includes(name))
    .map((pair) => pair.join('='))
    .sort()
    .join('\0')
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
export async function compareRestored(paths: readonly string[], target: string, disk?: ExactDisk): Promise<Comparison> {
  const all = await Promise.all(
    paths.map((path) => compareTrees(path, join(target, path.split('/').at(-1) ?? ''), disk)),
  )
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
