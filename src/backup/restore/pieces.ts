/**
 * Which bytes of which chunk go where, packed: a window holds tens of thousands of them, and they cross to threads.
 * Invariant: rows are in the order they were added; all memory is in three buffers, at most half of it unused.
 */
import type { ChunkId } from '../../shard/index.ts'

const ID_BYTES = 32
const NUMBERS = 3
const FIRST_ROWS = 8
const MOST = 0xffffffff

/** `length` bytes at `from` of a chunk, to position `at` of a file (its number in the job's list of files). */
export interface Piece {
  readonly chunk: ChunkId
  readonly file: number
  readonly from: number
  readonly length: number
  readonly at: number
}

/** As it crosses to a thread, a row per piece: its id; `file, from, length`; its position in the file. */
export interface PackedPieces {
  readonly ids: Uint8Array
  readonly numbers: Uint32Array
  readonly positions: Float64Array
}

export class PieceTable {
  #rows = empty(FIRST_ROWS)
  #count = 0

  get count(): number {
    return this.#count
  }

  add({ chunk, file, from, length, at }: Piece): void {
    const row = this.#count++
    if (row === this.#rows.positions.length) this.#grow()
    const { ids, numbers, positions } = this.#rows
    ids.set(chunk, row * ID_BYTES)
    numbers[row * NUMBERS] = file
    // A tree may claim anything. What is beyond every chunk stays so.
    numbers[row * NUMBERS + 1] = Math.min(from, MOST)
    numbers[row * NUMBERS + 2] = Math.min(length, MOST)
    positions[row] = at
  }

  packed(): PackedPieces {
    const { ids, numbers, positions } = this.#rows
    return {
      ids: ids.slice(0, this.#count * ID_BYTES),
      numbers: numbers.slice(0, this.#count * NUMBERS),
      positions: positions.slice(0, this.#count),
    }
  }

  #grow(): void {
    const rows = empty(this.#rows.positions.length * 2)
    rows.ids.set(this.#rows.ids)
    rows.numbers.set(this.#rows.numbers)
    rows.positions.set(this.#rows.positions)
    this.#rows = rows
  }
}

export function pieceCount({ positions }: PackedPieces): number {
  return positions.length
}

export function pieceAt({ ids, numbers, positions }: PackedPieces, row: number): Piece {
  const at = row * NUMBERS
  return {
    chunk: ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES) as ChunkId,
    file: numbers[at] ?? 0,
    from: numbers[at + 1] ?? 0,
    length: numbers[at + 2] ?? 0,
    at: positions[row] ?? 0,
  }
}

function empty(rows: number): PackedPieces {
  return {
    ids: new Uint8Array(rows * ID_BYTES),
    numbers: new Uint32Array(rows * NUMBERS),
    positions: new Float64Array(rows),
  }
}
