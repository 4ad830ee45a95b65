/** The floor: tar, zstd and openssl in a pipe – no dedup, no index, no verification. */
import { join } from 'node:path'
import { measureCommand } from '../measure.ts'
import { empty, fileBytes, type Contender } from './contender.ts'

const cipher = 'openssl enc -aes-256-ctr -pbkdf2 -pass pass:bench'
const bash = (script: string) => measureCommand(['bash', '-c', `set -o pipefail; ${script}`])

export const floor: Contender = {
  name: 'tar | zstd -1 | openssl',
  role: 'floor',
  prepare: ({ scratch }) => void empty(scratch),
  run(operation, { source, scratch }) {
    const archive = join(scratch, 'archive')
    if (operation === 'first')
      return bash(`tar -C '${source}' -cf - . | zstd -q -1 | ${cipher} > '${archive}' && sync '${archive}'`)
    if (operation === 'restore')
      return bash(`${cipher} -d < '${archive}' | zstd -q -d | tar -C '${empty(join(scratch, 'restored'))}' -xf -`)
    return undefined
  },
  restored: ({ scratch }) => join(scratch, 'restored'),
  storedBytes: ({ scratch }) => fileBytes(join(scratch, 'archive')),
}
