/**
 * Content-defined chunking: keyed FastCDC with normalised cut points. Spec: docs/spec/02-shard.md § Chunks.
 * Invariant: whether a position may be a cut depends on the key and the 32 bytes before it alone, so equal content is
 * cut alike wherever it stands.
 */
import { concat, copyInto, utf8 } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import { hmac, type MacKey } from '../crypto/hash.ts'
import { chunkerWasm } from './chunker-wasm.ts'
import type { ChunkId } from './ids.ts'
import type { ChunkerOptions } from './options.ts'
import { MAX_CHUNK_BYTES } from './options.ts'
import { loadKernel, type WasmMemory } from './wasm-kernel.ts'

/** Bytes that decide on a cut: each doubling of the 32-bit hash pushes the oldest one out. */
export const GEAR_WINDOW = 32

/** Cuts a stream into chunks of `minBytes` to `maxBytes`, `averageBytes` or a little more on average. */
export class Chunker {
  readonly #options: ChunkerOptions
  readonly #gear: Int32Array
  readonly #strictMask: number
  readonly #looseMask: number
  #kernel: Kernel | undefined

  /** `key` is the vault's `chunker` key. */
  constructor(options: ChunkerOptions, key: Uint8Array) {
    const bits = Math.log2(options.averageBytes)
    invariant(
      Number.isInteger(bits) && bits >= 6 && bits <= 19,
      'average chunk size is a power of two from 64 B to 512 KiB',
    )
    invariant(options.minBytes >= GEAR_WINDOW && options.minBytes < options.averageBytes, 'least chunk size')
    invariant(options.maxBytes > options.averageBytes && options.maxBytes <= MAX_CHUNK_BYTES, 'greatest chunk size')
    this.#options = options
    this.#gear = gearTable(key)
    this.#strictMask = topBits(bits + 2)
    this.#looseMask = topBits(bits - 2)
  }

  /** Length of the first chunk of `data`, which must hold `maxBytes` or be the rest of the input. 0 only for empty data. */
  next(data: Uint8Array): number {
    return this.cut(data.subarray(0, this.#options.maxBytes), true)[0] ?? 0
  }

  /**
   * Lengths of the chunks at the start of `data`: all of it where it is the `last` of the input, else as far as what
   * follows cannot move a cut any more. One pass of the kernel, whose readable twin is in the tests; `data` is copied
   * into its memory.
   */
  cut(data: Uint8Array, last: boolean): Uint32Array {
    const { minBytes, averageBytes, maxBytes } = this.#options
    // Most files are so short, and handing them to the kernel would cost more than the rest of their way.
    if (last && data.length > 0 && data.length <= minBytes) return Uint32Array.of(data.length)
    const kernel = (this.#kernel ??= this.#prepareKernel())
    const outBytes = 4 * (Math.ceil(data.length / minBytes) + 1)
    const dataAt = GEAR_BYTES + outBytes
    const short = dataAt + data.length - kernel.memory.buffer.byteLength
    if (short > 0) kernel.memory.grow(Math.ceil(short / PAGE_BYTES))
    copyInto(new Uint8Array(kernel.memory.buffer), dataAt, data)
    const range = [dataAt, dataAt + data.length, last ? 1 : 0, GEAR_BYTES]
    const count = kernel.cut(...range, minBytes, averageBytes, maxBytes, this.#strictMask, this.#looseMask)
    return new Uint32Array(kernel.memory.buffer, GEAR_BYTES, count).slice()
  }

  #prepareKernel(): Kernel {
    const kernel = loadKernel<Kernel>(chunkerWasm)
    new Int32Array(kernel.memory.buffer, 0, this.#gear.length).set(this.#gear)
    return kernel
  }
}

interface Kernel {
  readonly memory: WasmMemory
  cut(...place: number[]): number
}

const GEAR_BYTES = 1024
const PAGE_BYTES = 65_536

/** HMAC-SHA-256 of a chunk's plaintext under the vault's `id-mac` key: ids tell nothing to whoever lacks the key. */
export function chunkIdOf(idMac: MacKey, data: Uint8Array): ChunkId {
  return hmac(idMac, data) as ChunkId
}

/** 256 entries of 32 bits, eight from each of 32 HMAC blocks. */
export function gearTable(key: Uint8Array): Int32Array {
  const table = new Int32Array(256)
  for (let block = 0; block < 32; block++) {
    const bytes = hmac(key, concat(utf8('gear'), Uint8Array.of(block)))
    const reader = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let i = 0; i < 8; i++) table[block * 8 + i] = reader.getInt32(i * 4)
  }
  return table
}

function topBits(count: number): number {
  return (-1 << (32 - count)) | 0
}
