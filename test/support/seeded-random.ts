/** Reproducible randomness for tests: SHA-256 in counter mode over a seed. */
import { createHash } from 'node:crypto'
import type { Random } from '../../src/base/random.ts'

export function seededRandom(seed: string | number): Random {
  let block = 0
  let pool = Buffer.alloc(0)
  const bytes = (length: number): Uint8Array => {
    while (pool.length < length) {
      const next = createHash('sha256')
        .update(`${String(seed)}:${String(block++)}`)
        .digest()
      pool = Buffer.concat([pool, next])
    }
    const out = Uint8Array.from(pool.subarray(0, length))
    pool = pool.subarray(length)
    return out
  }
  return { bytes, below: (below) => Buffer.from(bytes(6)).readUIntBE(0, 6) % below }
}
