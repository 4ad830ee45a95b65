/**
 * Files with several names. Spec: docs/spec/04-snapshot-and-head.md § Tree, `hardLink`. Numbers follow the inode, so
 * that an unchanged directory is described by the same bytes every time. Invariants: two inodes of one backup never get
 * the same number; memory is bounded by the inodes whose other names are still to come, and by `MAX_REMEMBERED`.
 */
import type { DiskStat } from '../../base/disk.ts'
import type { Content } from '../tree/node.ts'

/** What the first name of an inode was stored as. */
export interface LinkedContent {
  readonly size: number
  readonly content: Content
  /** See `WrittenContent`. */
  readonly remembered?: Content
  readonly known?: true
}

interface Remembered extends LinkedContent {
  readonly stat: DiskStat
  /** Names that have not been seen yet. */
  left: number
}

const MAX_REMEMBERED = 100_000
/** Inode numbers below this are taken as they are; there is room for 255 file systems. */
const INODES = 2n ** 44n
const OTHERS = 2 ** 52

export class HardLinks {
  readonly #devices = new Map<bigint, number>()
  /** Inodes that do not fit, by device and number. */
  readonly #others = new Map<string, number>()
  readonly #remembered = new Map<number, Remembered>()

  /** Undefined for what has one name only. */
  numberOf({ kind, links, device, inode }: DiskStat): number | undefined {
    if (links < 2 || kind === 'directory') return undefined
    const ordinal = this.#devices.get(device) ?? this.#devices.size
    this.#devices.set(device, ordinal)
    if (inode < INODES && ordinal < 255) return Number(BigInt(ordinal) * INODES + inode)
    const key = `${String(device)}:${String(inode)}`
    const number = this.#others.get(key) ?? OTHERS + this.#others.size
    this.#others.set(key, number)
    return number
  }

  /** What another name of the same, unchanged file was stored as: it need not be read again. */
  known(stat: DiskStat): LinkedContent | undefined {
    const number = this.numberOf(stat)
    const found = number === undefined ? undefined : this.#remembered.get(number)
    if (number === undefined || found === undefined) return undefined
    found.left--
    if (found.left === 0) this.#remembered.delete(number)
    const { size, mtimeNs, ctimeNs } = found.stat
    return size === stat.size && mtimeNs === stat.mtimeNs && ctimeNs === stat.ctimeNs ? found : undefined
  }

  /** A file was stored as it was when `stat` was taken. */
  remember(stat: DiskStat, linked: LinkedContent): void {
    const number = this.numberOf(stat)
    if (number === undefined || this.#remembered.size >= MAX_REMEMBERED) return
    this.#remembered.set(number, { ...linked, stat, left: stat.links - 1 })
  }
}
