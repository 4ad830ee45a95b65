/** The data sets by letter: what they are, how they are made, what is done with them. */
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { setA, writeChatExport } from './chat-export.ts'
import { editDatabase, setB, writeDatabase } from './messages-database.ts'
import { setC, writeRandomFiles } from './random-files.ts'
import { setD, writeSmallFiles } from './small-files.ts'

export const operations = ['first', 'again', 'edited', 'restore', 'verify'] as const
/** First backup · the same again · after the edits of B′ · restore of the latest · all stored data read and checked. */
export type Operation = (typeof operations)[number]

export const setNames = ['A', 'B', 'C', 'D'] as const
export type SetName = (typeof setNames)[number]

export interface DataSet {
  readonly title: string
  readonly operations: readonly Operation[]
  /** So many that it matters to the file system when they are deleted. */
  readonly manyFiles?: true
  /** Makes it, and its edited state, below folders of those names. */
  make(folder: string, scale: number): Promise<void> | void
}

const usual: readonly Operation[] = ['first', 'again', 'restore', 'verify']

export const sets: Readonly<Record<SetName, DataSet>> = {
  A: {
    title: 'chat export, NDJSON, 1 GiB in 200 files',
    operations: usual,
    async make(folder, scale) {
      await writeChatExport(join(folder, 'first'), { ...setA, bytes: Math.round(setA.bytes * scale) })
    },
  },
  B: {
    title: 'SQLite database of messages, 1 GiB',
    operations: ['first', 'again', 'edited', 'restore', 'verify'],
    make(folder, scale) {
      const options = { ...setB, bytes: Math.round(setB.bytes * scale) }
      writeDatabase(join(folder, 'first'), options)
      editDatabase(join(folder, 'first'), join(folder, 'edited'), options)
    },
  },
  C: {
    title: 'random bytes, 512 MiB in 64 files',
    operations: usual,
    make: (folder, scale) =>
      writeRandomFiles(join(folder, 'first'), { ...setC, bytes: Math.round(setC.bytes * scale) }),
  },
  D: {
    title: '100,000 text files of 1–4 KiB in 400 directories',
    operations: usual,
    manyFiles: true,
    make(folder, scale) {
      writeSmallFiles(join(folder, 'first'), { ...setD, files: Math.round(setD.files * scale) })
    },
  },
}

/** The folder that is backed up: one path for both states, so that nobody takes the edited one for another source. */
export class Source {
  readonly #folder: string
  #shown: 'first' | 'edited' | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  get path(): string {
    return join(this.#folder, 'source')
  }

  /** Renaming the folder leaves the times of the files in it as they are. */
  show(state: 'first' | 'edited'): void {
    if (this.#shown === state) return
    if (this.#shown !== undefined) renameSync(this.path, join(this.#folder, this.#shown))
    renameSync(join(this.#folder, state), this.path)
    this.#shown = state
  }
}

if (import.meta.main) {
  const [name, folder = '', scale] = process.argv.slice(2)
  await sets[name as SetName].make(folder, Number(scale))
}
