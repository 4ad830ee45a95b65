/**
 * Which bytes of which chunk go where, packed: a window holds hundreds of thousands of them, and they cross to threads.
 * Invariant: rows are in the order they were added; all memory is in two buffers.
 */
import type { ChunkId } from '../../shard/index.ts'

const ID_BYTES = 32
const NUMBERS = 4
const FIRST_ROWS = 32

/** `length` bytes at `from` of a chunk, to position `at` of a file (its number in the job's list of files). */
export interface Piece {
  readonly chunk: ChunkId
  readonly file: number
  readonly from: number
  readonly length: number
  readonly at: number
}

/** As it crosses to a thread: ids one after the other, and per piece `file, from, length, at`. */
export interface PackedPieces {
  readonly ids: Uint8Array
  readonly numbers: Float64Array
}

export class PieceTable {
  #ids = new Uint8Array(FIRST_ROWS * ID_BYTES)
  #numbers = new Float64Array(FIRST_ROWS * NUMBERS)
  #count = 0

  get count(): number {
    return this.#count
  }

  add({ chunk, file, from, length, at }: Piece): void {
    const row = this.#count++
    if (row * ID_BYTES === this.#ids.length) this.#grow()
    this.#ids.set(chunk, row * ID_BYTES)
    this.#numbers[row * NUMBERS] = file
    this.#numbers[row * NUMBERS + 1] = from
    this.#numbers[row * NUMBERS + 2] = length
    this.#numbers[row * NUMBERS + 3] = at
  }

  packed(): PackedPieces {
    return {
      ids: this.#ids.slice(0, this.#count * ID_BYTES),
      numbers: this.#numbers.slice(0, this.#count * NUMBERS),
    }
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2)
    ids.set(this.#ids)
    this.#ids = ids
    const numbers = new Float64Array(this.#numbers.length * 2)
    numbers.set(this.#numbers)
    this.#numbers = numbers
  }
}

export function pieceCount({ numbers }: PackedPieces): number {
  return numbers.length / NUMBERS
}

export function pieceAt({ ids, numbers }: PackedPieces, row: number): Piece {
  const at = row * NUMBERS
  return {
    chunk: ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES) as ChunkId,
    file: numbers[at] ?? 0,
    from: numbers[at + 1] ?? 0,
    length: numbers[at + 2] ?? 0,
    at: numbers[at + 3] ?? 0,
  }
}
