/** The version of this program, from the package it lies in. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder with package.json: of the checkout, or of the installed package. */
export function packageRoot(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'bin', 'plexichat')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}

export function programVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** How to start this program again: the runtime and the launcher. */
export function launcher(): { command: string; args: string[] } {
  return { command: process.execPath, args: [join(packageRoot(), 'bin', 'plexichat')] }
}
