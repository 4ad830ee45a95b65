/** Real trees for end-to-end tests. */
import { execFileSync } from 'node:child_process'
import { lutimesSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const modules = join(import.meta.dirname, '..', '..', 'node_modules')

/** Copies installed packages into `target` until it holds at least `files` files; returns their number. */
export function copyModules(target: string, files: number): number {
  mkdirSync(target, { recursive: true })
  let count = 0
  for (const name of readdirSync(modules).toSorted()) {
    if (count >= files) break
    // The bundled runtime is one huge binary: it would make the tree heavy, not wide.
    if (name.startsWith('node-') || name.startsWith('.')) continue
    execFileSync('cp', ['-a', join(modules, name), target])
    count += countFiles(join(target, name))
  }
  symlinkSync('../does/not/exist', join(target, 'dangling'))
  lutimesSync(join(target, 'dangling'), 1_600_000_000, 1_600_000_000.123_456_5)
  return count
}

/** Without following links. */
function countFiles(folder: string): number {
  return execFileSync('find', [folder, '-type', 'f', '-printf', 'x']).length
}
