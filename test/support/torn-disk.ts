/**
 * A disk that keeps account of what is durable, on a real folder. At any point – before every write, sync, rename,
 * unlink and new name – it can tell what a crash would leave: an image of the folder in which data that was not synced is
 * torn and names whose directory was not synced are undone, at random but from a seed. It can also fail on demand.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Disk, DiskFile, DiskPath } from '../../src/base/disk.ts'
import type { Random } from '../../src/base/random.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'

export interface Point {
  readonly number: number
  readonly what: string
  readonly path: string
}

export interface TornDiskOptions {
  /** What lies elsewhere is left alone. */
  readonly root: string
  readonly random: Random
  /** Waited for before each point; what it throws the disk throws. */
  readonly atPoint: (point: Point) => Promise<void> | void
}

/** Content that was last synced; undefined when nothing of the file ever was. */
type Durable = Buffer | undefined

/** Takes one change of names back in an image. Whether the change has happened there is for it to see. */
type Undo = (image: string) => void

export class TornDisk {
  readonly #options: TornDiskOptions
  /** By path below the root: files with data that was not synced. */
  readonly #dirty = new Map<string, Durable>()
  /** By directory: changes of names since it was last synced. */
  readonly #names = new Map<string, Undo[]>()
  points = 0

  constructor(options: TornDiskOptions) {
    this.#options = options
  }

  /** The folder as it might be found after a crash now. */
  crash(image: string): void {
    const { root, random } = this.#options
    const dirty = [...this.#dirty]
    const names = [...this.#names.values()].map((undos) => [...undos])
    rmSync(image, { recursive: true, force: true })
    execFileSync('cp', ['-a', root, image])
    for (const [path, durable] of dirty) tear(join(image, path), durable, random)
    for (const undos of names) {
      const kept = random.below(undos.length + 1)
      for (const undo of undos.slice(kept).toReversed()) undo(image)
    }
  }

  get disk(): Disk {
    return {
      ...systemDisk,
      open: (path, how, mode) => this.#open(path, how, mode),
      writeFileAtomic: (path, data, mode) => this.#writeFileAtomic(path, data, mode),
      mkdir: async (path, mode) => {
        await this.#point('mkdir', path)
        await systemDisk.mkdir(path, mode)
      },
      rename: (from, to) => this.#rename(from, to),
      unlink: (path) => this.#unlink(path),
      removeTree: async (path) => {
        await this.#point('removeTree', path)
        await systemDisk.removeTree(path)
      },
      syncDirectory: async (path) => {
        await this.#point('syncDirectory', path)
        const made = [...(this.#names.get(this.#place(path) ?? '') ?? [])]
        await systemDisk.syncDirectory(path)
        // What came while it ran may not be in it.
        const left = (this.#names.get(this.#place(path) ?? '') ?? []).filter((undo) => !made.includes(undo))
        this.#names.set(this.#place(path) ?? '', left)
      },
    }
  }

  async #open(path: DiskPath, how: Parameters<Disk['open']>[1], mode?: number): Promise<DiskFile> {
    const place = how === 'read' ? undefined : this.#place(path)
    if (place === undefined) return systemDisk.open(path, how, mode)
    await this.#point('open', path)
    const before = contentOf(String(path))
    if (before === undefined)
      this.#renamed(dirname(place), (image) => {
        rmSync(join(image, place), { force: true })
      })
    if (!this.#dirty.has(place) && (before === undefined || how === 'write')) this.#dirty.set(place, before)
    return this.#file(await systemDisk.open(path, how, mode), place)
  }

  #file(file: DiskFile, place: string): DiskFile {
    const { root } = this.#options
    const touch = () => {
      if (!this.#dirty.has(place)) this.#dirty.set(place, contentOf(join(root, place)))
    }
    return {
      read: (into, position) => file.read(into, position),
      nextData: (position) => file.nextData(position),
      stat: () => file.stat(),
      close: () => file.close(),
      write: async (from, position) => {
        await this.#point('write', join(root, place))
        touch()
        await file.write(from, position)
      },
      truncate: async (size) => {
        await this.#point('truncate', join(root, place))
        touch()
        await file.truncate(size)
      },
      sync: async () => {
        await this.#point('sync', join(root, place))
        await file.sync()
        this.#dirty.delete(place)
      },
    }
  }

  /** As the real one does it, in steps that can be crashed between. */
  async #writeFileAtomic(path: string, data: Uint8Array, mode?: number): Promise<void> {
    const temporary = `${path}.${String(this.points).padStart(12, '0')}.tmp`
    const file = await this.#open(temporary, 'create', mode)
    try {
      try {
        await file.write(data, 0)
        await file.sync()
      } finally {
        await file.close()
      }
      await this.#rename(temporary, path)
    } catch (error) {
      await systemDisk.unlink(temporary)
      throw error
    }
    await this.disk.syncDirectory(dirname(path))
  }

  async #rename(from: DiskPath, to: DiskPath): Promise<void> {
    const [source, target] = [this.#place(from), this.#place(to)]
    if (source === undefined || target === undefined) return systemDisk.rename(from, to)
    await this.#point('rename', to)
    const replaced = contentOf(String(to))
    this.#renamed(dirname(target), (image) => {
      if (existsSync(join(image, source)) || !existsSync(join(image, target))) return
      renameSync(join(image, target), join(image, source))
      if (replaced !== undefined) writeFileSync(join(image, target), replaced)
    })
    await systemDisk.rename(from, to)
    if (this.#dirty.has(source)) this.#dirty.set(target, this.#dirty.get(source))
    this.#dirty.delete(source)
  }

  async #unlink(path: DiskPath): Promise<boolean> {
    const place = this.#place(path)
    if (place === undefined) return systemDisk.unlink(path)
    await this.#point('unlink', path)
    const content = contentOf(String(path))
    if (content !== undefined)
      this.#renamed(dirname(place), (image) => {
        writeFileSync(join(image, place), content)
      })
    const done = await systemDisk.unlink(path)
    this.#dirty.delete(place)
    return done
  }

  #renamed(directory: string, undo: Undo): void {
    const all = this.#names.get(directory)
    if (all === undefined) this.#names.set(directory, [undo])
    else all.push(undo)
  }

  async #point(what: string, path: DiskPath): Promise<void> {
    const place = this.#place(path)
    if (place === undefined) return
    await this.#options.atPoint({ number: this.points++, what, path: place })
  }

  /** Below the root; undefined elsewhere. */
  #place(path: DiskPath): string | undefined {
    const below = relative(this.#options.root, String(path))
    return below.startsWith('..') ? undefined : below
  }
}

/** What was not synced may be there, or be what it was, cut short, or have a hole of old nothing in it. */
function tear(path: string, durable: Durable, random: Random): void {
  if (!existsSync(path)) return
  const { size } = statSync(path)
  switch (random.below(4)) {
    case 0:
      return
    case 1:
      writeFileSync(path, durable ?? '')
      return
    case 2:
      truncateSync(path, random.below(size + 1))
      return
    default: {
      const bytes = readFileSync(path)
      const from = random.below(size + 1)
      writeFileSync(path, bytes.fill(0, from, Math.min(size, from + 4096 * (1 + random.below(16)))))
    }
  }
}

function contentOf(path: string): Buffer | undefined {
  return existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined
}
