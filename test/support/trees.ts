/** Real trees for end-to-end tests. */
import { execFileSync } from 'node:child_process'
import { lutimesSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const MAX_AVERAGE_BYTES = 8_000
const modules = join(import.meta.dirname, '..', '..', 'node_modules')

/** Copies installed packages into `target` until it holds at least `files` files; returns their number. */
export function copyModules(target: string, files: number): number {
  mkdirSync(target, { recursive: true })
  let count = 0
  for (const name of readdirSync(modules).toSorted()) {
    if (count >= files) break
    const from = join(modules, name)
    if (name.startsWith('.') || isHeavy(from)) continue
    execFileSync('cp', ['-a', from, target])
    count += countFiles(from)
  }
  symlinkSync('../does/not/exist', join(target, 'dangling'))
  lutimesSync(join(target, 'dangling'), 1_600_000_000, 1_600_000_000.123_456_5)
  return count
}

/** Few large files, like the bundled runtime, would make the tree heavy, not wide. */
function isHeavy(folder: string): boolean {
  const bytes = Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0])
  return bytes > countFiles(folder) * MAX_AVERAGE_BYTES
}

/** Without following links. */
function countFiles(folder: string): number {
  return execFileSync('find', [folder, '-type', 'f', '-printf', 'x']).length
}
