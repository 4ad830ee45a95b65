/** The operating system's random number generator. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../../base/random.ts'

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  below: (below) => randomInt(below),
}
