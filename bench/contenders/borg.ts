/** borg with keyed BLAKE2 and AES: once with its default compression, lz4, once with zstd at level 3. Segments are synced. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { measureCommand } from '../measure.ts'
import { empty, fileBytes, installed, version, type Contender, type Place } from './contender.ts'
import type { SetName } from '../data/sets.ts'

export function borg(compression: string, spared: readonly SetName[]): Contender | undefined {
  if (!installed('borg')) return undefined
  let archives = 0
  const run = (place: Place, ...args: string[]) => measureCommand(['borg', ...args], environment(place))
  return {
    name: `borg ${version('borg', '--version')} ${compression}`,
    role: 'peer',
    spared,
    prepare(place) {
      empty(place.scratch)
      archives = 0
      execFileSync('borg', ['init', '--encryption', 'repokey-blake2'], {
        env: { ...process.env, ...environment(place) },
        stdio: 'ignore',
      })
    },
    run(operation, place) {
      if (operation === 'restore') return restore(place, archives)
      if (operation === 'verify') return run(place, 'check', '--verify-data')
      return run(place, 'create', '--compression', compression, `::a${String(++archives)}`, place.source)
    },
    restored: (place) => join(place.scratch, 'restored', place.source),
    storedBytes: ({ scratch }) => fileBytes(join(scratch, 'repository')),
  }
}

/** borg extracts into the working directory. */
function restore(place: Place, archive: number): ReturnType<typeof measureCommand> {
  const target = empty(join(place.scratch, 'restored'))
  return measureCommand(['bash', '-c', `cd '${target}' && exec borg extract ::a${String(archive)}`], environment(place))
}

function environment({ scratch }: Place): Record<string, string> {
  return {
    BORG_PASSPHRASE: 'bench',
    BORG_REPO: join(scratch, 'repository'),
    BORG_BASE_DIR: join(scratch, 'home'),
  }
}
