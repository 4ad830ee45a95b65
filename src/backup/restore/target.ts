/**
 * Writing below the target directory and nowhere else. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariants: no symbolic link below the target is ever followed; names are single components (the codec's rule);
 * content appears by rename when it is complete; an existing thing is replaced only as the request allows.
 */
import { join as joinText } from 'node:path'
import { compare, toHex, utf8 } from '../../base/bytes.ts'
import { deviceParts, type Disk, type DiskStat } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { nameText } from '../sources/excludes.ts'
import type { TreeNode } from '../tree/node.ts'
import { restoreXattrs } from './attributes.ts'

export type Overwrite = 'never' | 'older' | 'always'

export interface TargetOptions {
  readonly to: string
  readonly overwrite: Overwrite
  readonly restoreOwners: boolean
}

type Metadata = Pick<TreeNode, 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'xattrs'>

/** What is to be done with a path. `keep`: it is newer and stays. */
export type Verdict = 'write' | 'intact' | 'keep'

const STAGING = '.plexichat-restore-'

export class Target {
  readonly #options: TargetOptions
  readonly #disk: Disk
  readonly #staging: string
  #staged = 0
  /** Extended attributes that could not be set. */
  attributesLeft = 0
  #directories: { path: Buffer; metadata: Metadata }[] = []

  constructor(options: TargetOptions, deps: { disk: Disk; random: Random }) {
    this.#options = options
    this.#disk = deps.disk
    this.#staging = joinText(options.to, `${STAGING}${toHex(deps.random.bytes(8))}`)
  }

  async open(): Promise<void> {
    const { to } = this.#options
    await this.#disk.mkdir(to, 0o777)
    for (const name of await this.#disk.readdir(to))
      if (isStaging(name)) await this.#disk.removeTree(joinText(to, String(name)))
    await this.#disk.mkdir(this.#staging)
  }

  /** Removes what was not completed. */
  async close(): Promise<void> {
    await this.#disk.removeTree(this.#staging)
  }

  get root(): Buffer {
    return Buffer.from(this.#options.to)
  }

  /** A new place for content in the making. */
  stagingPath(): string {
    return joinText(this.#staging, String(this.#staged++))
  }

  /**
   * Makes sure `path` is a directory that can be written to. `fresh`: nothing was there. Without metadata it keeps what
   * it has. Throws `STORAGE_TARGET_EXISTS` when something else is in the way.
   */
  async directory(path: Buffer, metadata?: Metadata): Promise<{ fresh: boolean }> {
    let stat = await this.#disk.stat(path)
    if (stat !== undefined && stat.kind !== 'directory') {
      if (this.#options.overwrite !== 'always') throw exists(path)
      await this.#disk.unlink(path)
      stat = undefined
    }
    if (stat === undefined) await this.#disk.mkdir(path, metadata === undefined ? 0o777 : 0o700)
    else if ((stat.mode & 0o700) !== 0o700) await this.#disk.chmod(path, stat.mode | 0o700)
    if (metadata !== undefined) this.#directories.push({ path, metadata })
    return { fresh: stat === undefined }
  }

  /** What is there already, and what that means for a file. Throws `STORAGE_TARGET_EXISTS`. */
  async judge(path: Buffer, node: TreeNode): Promise<Verdict> {
    const stat = await this.#disk.stat(path)
    if (stat === undefined) return 'write'
    if (stat.kind === 'file' && stat.size === node.size && sameTime(stat, node)) return 'intact'
    return this.#mayReplace(path, stat, node)
  }

  /** Gives a complete staged file its metadata and its name. */
  async commitFile(staged: string, path: Buffer, node: TreeNode): Promise<void> {
    await this.metadata(staged, node)
    await this.#disk.rename(staged, path)
  }

  /** Mode, owner and time of a file, staged or intact. */
  async metadata(path: string | Buffer, node: Metadata): Promise<void> {
    if (this.#options.restoreOwners) await this.#disk.chown(path, node.uid, node.gid)
    this.attributesLeft += await restoreXattrs(this.#disk, path, node.xattrs)
    await this.#disk.chmod(path, node.mode)
    await this.#disk.setMtime(path, node.mtimeNs)
  }

  /** False when it was there already. Throws `STORAGE_TARGET_EXISTS`. */
  async link(path: Buffer, node: TreeNode): Promise<boolean> {
    const target = Buffer.from(node.target ?? utf8(''))
    const stat = await this.#disk.stat(path)
    if (stat !== undefined) {
      if (stat.kind === 'symlink' && compare(await this.#disk.readlink(path), target) === 0) {
        await this.#linkMetadata(path, node)
        return false
      }
      if ((await this.#mayReplace(path, stat, node)) === 'keep') return false
      await this.#disk.unlink(path)
    }
    await this.#disk.symlink(target, path)
    await this.#linkMetadata(path, node)
    return true
  }

  /** Another name for what was restored at `first`. Throws `STORAGE_TARGET_EXISTS`. */
  async hardLink(path: Buffer, first: Buffer, node: TreeNode): Promise<void> {
    const [stat, original] = await Promise.all([this.#disk.stat(path), this.#disk.stat(first)])
    // Something else may have been there and stayed.
    if (original !== undefined && !sameTime(original, node)) throw exists(first)
    if (stat !== undefined) {
      if (stat.inode === original?.inode && stat.device === original.device) return
      const alike = stat.kind === original?.kind && stat.size === original.size && sameTime(stat, node)
      if (!alike && (await this.#mayReplace(path, stat, node)) === 'keep') return
    }
    const staged = this.stagingPath()
    await this.#disk.link(first, staged)
    await this.#disk.rename(staged, path)
  }

  /** A fifo or a device. Throws `STORAGE_TARGET_EXISTS`, and `EPERM` where devices need more rights. */
  async special(path: Buffer, node: TreeNode): Promise<void> {
    const { type: kind, device = [0, 0] } = node
    if (kind !== 'fifo' && kind !== 'char' && kind !== 'block') return
    const stat = await this.#disk.stat(path)
    if (stat !== undefined) {
      const same = stat.kind === kind && (kind === 'fifo' || String(deviceParts(stat.rdev)) === String(device))
      if (!same && (await this.#mayReplace(path, stat, node)) === 'keep') return
      if (!same) await this.#disk.unlink(path)
      if (same) return this.metadata(path, node)
    }
    await this.#disk.mknod(path, { kind, mode: 0o600, device })
    await this.metadata(path, node)
  }

  /** Modes and times of all directories, innermost first: nothing changes in them any more. */
  async finishDirectories(failed: (path: Buffer, error: unknown) => void): Promise<void> {
    await this.close()
    for (const { path, metadata } of this.#directories.toReversed()) {
      try {
        await this.metadata(path, metadata)
      } catch (error) {
        failed(path, error)
      }
    }
    this.#directories = []
  }

  async #linkMetadata(path: Buffer, node: TreeNode): Promise<void> {
    if (this.#options.restoreOwners) await this.#disk.chown(path, node.uid, node.gid)
    this.attributesLeft += await restoreXattrs(this.#disk, path, node.xattrs)
    await this.#disk.setMtime(path, node.mtimeNs)
  }

  #mayReplace(path: Buffer, stat: DiskStat, node: Metadata): Promise<'write' | 'keep'> {
    const { overwrite } = this.#options
    if (stat.kind === 'directory' || overwrite === 'never') return Promise.reject(exists(path))
    const newer = microseconds(stat.mtimeNs) >= microseconds(node.mtimeNs)
    return Promise.resolve(overwrite === 'older' && newer ? 'keep' : 'write')
  }
}

function sameTime(stat: DiskStat, node: Metadata): boolean {
  return microseconds(stat.mtimeNs) === microseconds(node.mtimeNs)
}

/** Times are restored to the µs, so they are compared to the µs; rounded down, before 1970 too. */
function microseconds(ns: bigint): bigint {
  return ns / 1000n - (ns % 1000n < 0n ? 1n : 0n)
}

function isStaging(name: Buffer): boolean {
  return new RegExp(`^\\${STAGING}[0-9a-f]{16}$`).test(name.toString('latin1'))
}

function exists(path: Buffer): PlexiError {
  return new PlexiError('STORAGE_TARGET_EXISTS', { path: nameText(path) })
}
