/** Which files are restored before all others. */
import { matchesGlob } from 'node:path'
import { nameText } from '../sources/excludes.ts'

/**
 * A glob: with a slash for paths from the top, else for names at any depth. What lies in a directory that matches,
 * matches.
 */
export function firstPattern(pattern: string | undefined): (path: Buffer) => boolean {
  if (pattern === undefined) return () => false
  const whole = pattern.includes('/')
  const glob = pattern.replace(/^\/|\/$/g, '')
  return (path) => {
    const names = nameText(path).split('/')
    return names.some((name, i) => matchesGlob(whole ? names.slice(0, i + 1).join('/') : name, glob))
  }
}
