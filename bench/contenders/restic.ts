/** restic with its defaults: zstd at level `auto`, every pack file synced. Its cache counts as its home, not as stored. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { measureCommand } from '../measure.ts'
import { empty, fileBytes, installed, version, type Contender, type Place } from './contender.ts'

export function restic(): Contender | undefined {
  if (!installed('restic')) return undefined
  const run = (place: Place, ...args: string[]) => measureCommand(['restic', '--quiet', ...args], environment(place))
  return {
    name: `restic ${version('restic', 'version')}`,
    role: 'peer',
    prepare(place) {
      empty(place.scratch)
      execFileSync('restic', ['init', '--quiet'], { env: { ...process.env, ...environment(place) } })
    },
    run(operation, place) {
      if (operation === 'restore') return run(place, 'restore', 'latest', '--target', empty(restoredTo(place)))
      if (operation === 'verify') return run(place, 'check', '--read-data')
      return run(place, 'backup', place.source)
    },
    restored: (place) => join(restoredTo(place), place.source),
    storedBytes: ({ scratch }) => fileBytes(join(scratch, 'repository')),
  }
}

function restoredTo({ scratch }: Place): string {
  return join(scratch, 'restored')
}

function environment({ scratch }: Place): Record<string, string> {
  return {
    RESTIC_PASSWORD: 'bench',
    RESTIC_REPOSITORY: join(scratch, 'repository'),
    RESTIC_CACHE_DIR: join(scratch, 'cache'),
  }
}
