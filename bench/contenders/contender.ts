/** What every contender can be asked for. Each gets the same source and an empty place to store in. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import type { Operation, SetName } from '../data/sets.ts'
import type { Measured } from '../measure.ts'

export interface Place {
  /** Folder to back up. */
  readonly source: string
  /** Scratch folder of this contender. */
  readonly scratch: string
}

export interface Contender {
  readonly name: string
  /** What it is measured against: `plexichat` itself, a `peer`, or the `floor` that every backup program stands on. */
  readonly role: 'plexichat' | 'peer' | 'floor'
  /** Sets it is left out of: they would say nothing new and cost minutes. */
  readonly spared?: readonly SetName[]
  /** Clears what earlier rounds left and makes ready; not timed. */
  prepare(place: Place): Promise<void> | void
  /** Undefined where the notion does not exist. */
  run(operation: Operation, place: Place): Promise<Measured> | undefined
  /** Where `restore` put the content of the source folder. */
  restored(place: Place): string
  storedBytes(place: Place): number
  /** Ends what `prepare` started. */
  finish?(): Promise<void>
}

export function empty(folder: string): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Bytes of all files below `path`. */
export function fileBytes(path: string): number {
  const sizes = execFileSync('find', [path, '-type', 'f', '-printf', '%s\n'], { encoding: 'utf8', maxBuffer: 1 << 28 })
  return sizes.split('\n').reduce((sum, size) => sum + Number(size), 0)
}

export function installed(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export function version(program: string, argument: string): string {
  return /\d+\.\d+(\.\d+)?/.exec(execFileSync(program, [argument], { encoding: 'utf8' }))?.[0] ?? ''
}
