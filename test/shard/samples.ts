/** Material for the tests of this room: seeded bytes of several kinds, and chunks with ids. */
import { createHash } from 'node:crypto'
import { chunkIdOf, compressFrame, type ChunkId, type StoredFrame } from '../../src/shard/index.ts'
import { seededRandom } from '../support/seeded-random.ts'

export const idMac = Buffer.alloc(32, 0x1d)
export const chunkerKey = Buffer.alloc(32, 0xc4)
export const epoch = { epoch: 3, key: createHash('sha256').update('epoch 3').digest() }
export const epochKey = (number: number): Uint8Array | undefined => (number === epoch.epoch ? epoch.key : undefined)

/** Fast pseudo-random bytes, the same for the same seed: xorshift, incompressible for zstd. */
export function noise(length: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995
  if (state === 0) state = 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = Math.imul(state, 0x2545f491) ^ (state >>> 15)
  }
  return Buffer.from(words.buffer, 0, length)
}

/** Chat-like lines, 3–5 times compressible. */
export function chatter(length: number, seed: number): Buffer {
  const random = noise(length / 4, seed)
  const out = Buffer.alloc(length)
  let at = 0
  for (let i = 0; at < length; i++) {
    const text = random.toString('base64', (i * 9) % random.length, ((i * 9) % random.length) + 12)
    at += out.write(`{"id":${String(i)},"user":"user-${String(i % 97)}","text":"message ${text}, as always"}\n`, at)
  }
  return out
}

/** A frame in memory of its own. */
export function frameOf(plain: Uint8Array): StoredFrame {
  const frame = compressFrame(plain, 1)
  return { ...frame, stored: Buffer.from(frame.stored) }
}

export interface Chunk {
  readonly id: ChunkId
  readonly bytes: Uint8Array
  readonly kind: 'data' | 'metadata'
}

export function chunkOf(bytes: Uint8Array, kind: Chunk['kind'] = 'data'): Chunk {
  return { id: chunkIdOf(idMac, bytes), bytes, kind }
}

export const random = (seed: string) => seededRandom(`shard:${seed}`)
