/** `--group-by`: which properties snapshots must share to compete for the same counts. */
import { PlexiError } from '../base/errors.ts'

const keys = ['device', 'name', 'paths', 'tags'] as const
type GroupKey = (typeof keys)[number]

/** Other words for the same, restic's among them. */
const alike: Readonly<Record<string, GroupKey>> = { host: 'device', hosts: 'device', path: 'paths', tag: 'tags' }

/** Reads `device,name,paths`; nothing: all snapshots are one group. Throws `VALIDATION_USAGE`. */
export function parseGrouping(text: string): GroupKey[] {
  const words = text.split(',').map((word) => word.trim())
  return words.filter((word) => word !== '').map(keyOf)
}

function keyOf(word: string): GroupKey {
  const key = alike[word] ?? keys.find((one) => one === word)
  if (key !== undefined) return key
  throw new PlexiError('VALIDATION_USAGE', { reason: `--group-by takes ${keys.join(', ')}: not "${word}"` })
}
