/**
 * How long a chunk will be once compressed, guessed before paying for it. Only the packing of shards rests on it, never
 * what is in them. Spec: docs/spec/02-shard.md § Packing.
 * Invariant: nothing is expected to grow.
 */

/** Kinds of content by how evenly their bytes are spread: 0 one byte only … 8 all bytes alike, as after compression. */
export type Evenness = number

/** Learns per kind of content what frames of it took. */
export class SizeEstimate {
  /** Stored ÷ plain of each evenness. Starts as if every byte took as many bits. */
  readonly #ratios = Float64Array.from({ length: EVENNESSES }, (_, evenness) => Math.max(LEAST, evenness / 8))

  /** Expected stored ÷ plain. */
  ratioOf(evenness: Evenness): number {
    return this.#ratios[evenness] as number
  }

  /** Takes note that chunks of these kinds and lengths took `stored` bytes together. */
  learn(chunks: readonly { readonly evenness: Evenness; readonly length: number }[], stored: number): void {
    // Even content says little about the rest of its frame: it is taken as not compressible unless it is alone.
    const bound = chunks.some(({ evenness }) => evenness < EVEN) ? EVEN : EVENNESSES
    let learning = 0
    let rest = 0
    for (const { evenness, length } of chunks) {
      if (evenness < bound) learning += length * this.ratioOf(evenness)
      else rest += length * this.ratioOf(evenness)
    }
    const factor = Math.max(0, stored - rest) / learning
    for (const evenness of new Set(chunks.map((chunk) => chunk.evenness))) {
      if (evenness < bound) this.#ratios[evenness] = Math.min(1, Math.max(LEAST, this.ratioOf(evenness) * factor))
    }
  }
}

/** Rounded collision entropy, in bits a byte, of a sample of about a thousand bytes. */
export function evennessOf(bytes: Uint8Array): Evenness {
  const step = Math.max(1, Math.floor(bytes.length / SAMPLES))
  counts.fill(0)
  let pairs = 0
  let seen = 0
  for (let at = 0; at < bytes.length; at += step) {
    const byte = bytes[at] as number
    const before = counts[byte] as number
    pairs += before
    counts[byte] = before + 1
    seen++
  }
  if (pairs === 0) return EVEN
  return Math.min(EVEN, Math.round(Math.log2((seen * (seen - 1)) / 2 / pairs)))
}

const EVENNESSES = 9
const EVEN = EVENNESSES - 1
/** Nothing is expected to take less than this part of its length. */
const LEAST = 0.002
const SAMPLES = 1021

const counts = new Uint32Array(256)
