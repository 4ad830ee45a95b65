/** Content-defined cuts by the letter of docs/spec/02-shard.md § Chunks: each hash is summed afresh, nothing rolls. */
import { open, utf8 } from './open.ts'

/** 256 entries of 32 bits, eight from each of 32 blocks HMAC(key, "gear" ‖ block). */
export function gearTable(key: Uint8Array): Int32Array {
  const table = new Int32Array(256)
  for (let block = 0; block < 32; block++) {
    const bytes = Buffer.from(open.mac(key, utf8('gear'), Uint8Array.of(block)))
    for (let i = 0; i < 8; i++) table[8 * block + i] = bytes.readInt32BE(4 * i)
  }
  return table
}

interface Sizes {
  readonly min: number
  readonly average: number
  readonly max: number
  readonly gear: Int32Array
}

/** Lengths of the chunks of `data` in order. */
export function cutLengths(data: Uint8Array, sizes: Sizes): number[] {
  const lengths: number[] = []
  for (let at = 0; at < data.length; at += lengths.at(-1) ?? 0) lengths.push(firstLength(data.subarray(at), sizes))
  return lengths
}

function firstLength(rest: Uint8Array, { min, average, max, gear }: Sizes): number {
  if (rest.length <= min) return rest.length
  const end = Math.min(rest.length, max)
  const bits = Math.log2(average)
  for (let p = min; p < end; p++) {
    const hash = hashBefore(rest, p, gear)
    if (hash >>> (32 - (p < average ? bits + 2 : bits - 2)) === 0) return p
  }
  return end
}

/** Σ G[d[p − 1 − j]] · 2^j over the 32 bytes before p, modulo 2³². */
function hashBefore(data: Uint8Array, p: number, gear: Int32Array): number {
  let hash = 0
  for (let j = 0; j < 32; j++) hash = (hash + ((gear[data[p - 1 - j] ?? 0] ?? 0) << j)) | 0
  return hash >>> 0
}
