/** Reproducible material for the data sets: small numbers from xorshift32, bulk bytes from an AES-CTR key stream. */
import { createCipheriv, createHash } from 'node:crypto'

export type Next = () => number

/** xorshift32: 32 random bits a call, never 0. */
export function xorshift(seed: number): Next {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** Bytes that do not compress, as long as one likes: the key stream of a seed. */
export function keyStream(seed: string | number): (length: number) => Buffer {
  const key = createHash('sha256').update(String(seed)).digest()
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  return (length) => cipher.update(Buffer.alloc(length))
}

export function words(next: Next, count: number): string[] {
  return Array.from({ length: count }, () => word(next))
}

export function word(next: Next): string {
  return Array.from({ length: 1 + (next() % 3) }, () => syllables[next() % syllables.length]).join('')
}

export function hex(next: Next): string {
  return next().toString(16).padStart(8, '0')
}

const syllables = ['ka', 'lo', 'mi', 'ter', 'an', 'so', 'ring', 've', 'du', 'pel', 'or', 'ish', 'ta', 'ne', 'qu', 'ber']
