/**
 * Writing below the target directory and nowhere else. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariants: no symbolic link below the target is ever followed; names are single components (the codec's rule);
 * content appears by rename when it is complete; an existing thing is replaced only as the request allows.
 */
import { join as joinText } from 'node:path'
import { compare, MiB, toHex, utf8 } from '../../base/bytes.ts'
import { deviceNumber, type Disk, type DiskStat } from '../../base/disk.ts'
import { invariant, PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { nameText } from '../sources/excludes.ts'
import { join } from '../sources/walk.ts'
import type { TreeNode } from '../tree/node.ts'
import { restoreXattrs, xattrBytes } from './attributes.ts'
import { Ownership } from './ownership.ts'
import type { Look } from './pour-job.ts'

export type Overwrite = 'never' | 'older' | 'always'

export interface TargetOptions {
  readonly to: string
  readonly overwrite: Overwrite
  readonly restoreOwners: boolean
}

/** What is to be done with a path. `keep`: it is newer and stays. */
export type Verdict = 'write' | 'intact' | 'keep'

const STAGING = '.plexichat-restore-'
/** Extended attributes of directories kept until the end. */
const MAX_XATTR_BYTES = 16 * MiB

export class Target {
  readonly #options: TargetOptions
  readonly #disk: Disk
  readonly #staging: string
  #staged = 0
  #ownership: Ownership | undefined
  /** By path: how each is to look in the end. `dressed`: all but mode and time is done. */
  #directories = new Map<string, { readonly look: Look; readonly dressed: boolean }>()
  readonly #fresh = new Set<string>()
  #xattrBytes = 0
  #attributesLeft = 0

  constructor(options: TargetOptions, deps: { disk: Disk; random: Random }) {
    this.#options = options
    this.#disk = deps.disk
    this.#staging = joinText(options.to, `${STAGING}${toHex(deps.random.bytes(8))}`)
  }

  /** Makes it, and removes what a restore that was killed left behind. */
  async open(): Promise<void> {
    const { to, restoreOwners: restores } = this.#options
    await this.#disk.mkdir(to, 0o777)
    for (const name of await this.#disk.readdir(to))
      if (isStaging(name)) await this.#disk.removeTree(joinText(to, String(name)))
    await this.#disk.mkdir(this.#staging)
    // What is made there inherits nothing.
    await this.#disk.removeXattr(this.#staging, utf8('system.posix_acl_default')).catch(() => undefined)
    const made = await this.#disk.stat(this.#staging)
    invariant(made?.kind === 'directory', 'the staging directory is there')
    this.#ownership = await Ownership.load(this.#disk, { restores, made })
  }

  /** Removes what was not completed. */
  async close(): Promise<void> {
    await this.#disk.removeTree(this.#staging)
  }

  /** Of a path relative to the target. */
  pathOf(relative: Buffer): Buffer {
    return join(Buffer.from(this.#options.to), relative)
  }

  /** A new place for content in the making. */
  stagingPath(): string {
    return joinText(this.#staging, String(this.#staged++))
  }

  get ownership(): Ownership {
    invariant(this.#ownership !== undefined, 'the target is open')
    return this.#ownership
  }

  /** Extended attributes that could not be set, on whatever is not a file. */
  get attributesLeft(): number {
    return this.#attributesLeft
  }

  /** Whether this restore made the directory: then nothing can be in the way in it. */
  isFresh(directory: Buffer): boolean {
    return this.#fresh.has(directory.toString('latin1'))
  }

  /**
   * Makes sure `path` is a directory that can be written to. Without metadata it keeps what it has. False when
   * this restore has been there before. Throws `STORAGE_TARGET_EXISTS` when something else is in the way.
   */
  async directory(path: Buffer, node?: TreeNode): Promise<boolean> {
    const key = path.toString('latin1')
    if (this.#directories.has(key)) return false
    let stat = await this.#disk.stat(path)
    if (stat !== undefined && stat.kind !== 'directory') {
      if (this.#options.overwrite !== 'always') throw exists(path)
      await this.#disk.unlink(path)
      stat = undefined
    }
    if (stat === undefined) {
      await this.#disk.mkdir(path, node === undefined ? 0o777 : 0o700)
      this.#fresh.add(key)
    } else if ((stat.mode & 0o700) !== 0o700) await this.#disk.chmod(path, stat.mode | 0o700)
    if (node !== undefined) this.#directories.set(key, await this.#remembered(path, this.ownership.look(node)))
    return true
  }

  /** Whether `directory` made sure of it, with metadata. */
  hasDirectory(path: Buffer): boolean {
    return this.#directories.has(path.toString('latin1'))
  }

  /** What is there already, and what that means for a file. Throws `STORAGE_TARGET_EXISTS`. */
  async judge(path: Buffer, node: TreeNode): Promise<Verdict> {
    const stat = await this.#disk.stat(path)
    if (stat === undefined) return 'write'
    if (stat.kind === 'file' && stat.size === node.size && this.#sameTime(stat, node)) return 'intact'
    return this.#mayReplace(path, stat, node)
  }

  /** Owner, attributes, mode and time, in that order: giving a thing away clears setuid and capabilities. */
  async dress(path: Buffer, look: Look, link = false): Promise<void> {
    await this.#giveBack(path, look)
    if (!link) await this.#disk.chmod(path, look.mode)
    await this.#disk.setMtime(path, look.mtimeNs)
  }

  /** A symbolic link, fifo or device. False when it is newer and stays. Throws `STORAGE_TARGET_EXISTS`. */
  async special(path: Buffer, node: TreeNode): Promise<boolean> {
    const look = this.ownership.look(node)
    const stat = await this.#disk.stat(path)
    if (stat === undefined || !(await this.#isSame(path, stat, node))) {
      if (stat !== undefined && this.#mayReplace(path, stat, node) === 'keep') return false
      const staged = Buffer.from(this.stagingPath())
      await this.#make(staged, node)
      await this.dress(staged, look, node.type === 'link')
      await this.#disk.rename(staged, path)
      return true
    }
    await this.dress(path, look, node.type === 'link')
    return true
  }

  /**
   * One more name for what was restored at `first`. `gone` when that is not there to be linked; `keep` when what is
   * there is newer. Throws `STORAGE_TARGET_EXISTS`, or what the file system says.
   */
  async hardLink(first: Buffer, path: Buffer, node: TreeNode): Promise<'linked' | 'gone' | 'keep'> {
    const source = await this.#disk.stat(first)
    if (source?.kind !== kindOf[node.type] || !this.#sameTime(source, node)) return 'gone'
    const stat = await this.#disk.stat(path)
    if (stat?.inode === source.inode && stat.device === source.device) return 'linked'
    const same = stat?.kind === 'file' && stat.size === node.size && this.#sameTime(stat, node)
    if (stat !== undefined && !same && this.#mayReplace(path, stat, node) === 'keep') return 'keep'
    const staged = Buffer.from(this.stagingPath())
    await this.#disk.link(first, staged)
    await this.#disk.rename(staged, path)
    return 'linked'
  }

  /** Modes and times of all directories, innermost first: nothing changes in them any more. */
  async finishDirectories(failed: (path: Buffer, error: unknown) => void): Promise<void> {
    await this.close()
    for (const [key, { look, dressed }] of [...this.#directories].reverse()) {
      const path = Buffer.from(key, 'latin1')
      try {
        if (!dressed) await this.#giveBack(path, look)
        await this.#disk.chmod(path, look.mode)
        await this.#disk.setMtime(path, look.mtimeNs)
      } catch (error) {
        failed(path, error)
      }
    }
    this.#directories = new Map()
  }

  /** Attributes wait for the end, like mode and time; where they are too many for that they are set at once. */
  async #remembered(path: Buffer, look: Look): Promise<{ look: Look; dressed: boolean }> {
    const bytes = xattrBytes(look.xattrs)
    if (this.#xattrBytes + bytes <= MAX_XATTR_BYTES) {
      this.#xattrBytes += bytes
      return { look, dressed: false }
    }
    await this.#giveBack(path, look)
    const { mode, mtimeNs } = look
    return { look: { mode, mtimeNs }, dressed: true }
  }

  async #giveBack(path: Buffer, { owner, xattrs }: Look): Promise<void> {
    if (owner !== undefined) await this.#disk.chown(path, owner[0], owner[1])
    this.#attributesLeft += await restoreXattrs(this.#disk, path, xattrs)
  }

  async #make(path: Buffer, node: TreeNode): Promise<void> {
    const { type, device = [0, 0] } = node
    if (type === 'link') await this.#disk.symlink(Buffer.from(node.target ?? utf8('')), path)
    else if (type === 'fifo' || type === 'char' || type === 'block')
      await this.#disk.mknod(path, { kind: type, mode: 0o600, device })
    else throw new PlexiError('VALIDATION_NOT_SUPPORTED', { what: `restoring a ${type}` })
  }

  async #isSame(path: Buffer, stat: DiskStat, node: TreeNode): Promise<boolean> {
    if (stat.kind !== kindOf[node.type]) return false
    if (node.type === 'link') return compare(await this.#disk.readlink(path), node.target ?? utf8('')) === 0
    return node.device === undefined || stat.rdev === deviceNumber(node.device)
  }

  #mayReplace(path: Buffer, stat: DiskStat, node: TreeNode): 'write' | 'keep' {
    const { overwrite } = this.#options
    if (stat.kind === 'directory' || overwrite === 'never') throw exists(path)
    const newer = this.#comparable(stat.mtimeNs) >= this.#comparable(node.mtimeNs)
    return overwrite === 'older' && newer ? 'keep' : 'write'
  }

  #sameTime(stat: DiskStat, node: TreeNode): boolean {
    return this.#comparable(stat.mtimeNs) === this.#comparable(node.mtimeNs)
  }

  /** Times are compared as exactly as they are restored; rounded down, before 1970 too. */
  #comparable(ns: bigint): bigint {
    return this.#disk.support.exactTimes ? ns : ns / 1000n - (ns % 1000n < 0n ? 1n : 0n)
  }
}

const kindOf: Readonly<Record<TreeNode['type'], DiskStat['kind']>> = {
  file: 'file',
  dir: 'directory',
  link: 'symlink',
  fifo: 'fifo',
  socket: 'socket',
  char: 'char',
  block: 'block',
}

function isStaging(name: Buffer): boolean {
  return new RegExp(`^\\${STAGING}[0-9a-f]{16}$`).test(name.toString('latin1'))
}

function exists(path: Buffer): PlexiError {
  return new PlexiError('STORAGE_TARGET_EXISTS', { path: nameText(path) })
}
