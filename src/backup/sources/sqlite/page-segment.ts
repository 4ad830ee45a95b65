/**
 * A stretch of a database's page map: per page the hash of its content and where in which chunk it is stored. Local to
 * this device, kept in the catalogue; without it the next backup only cuts the whole file again.
 * Invariant: a segment is complete in itself: it refers to chunks of its own table only, so memory is bounded by one.
 *
 * Stored: pages(4) ‖ chunks(4) ‖ pages × hash(16) ‖ pages × slot(2) ‖ pages × position(1) ‖ chunks × id(32) ‖
 * chunks × (pages − 1)(1), integers big-endian.
 */
import { hash } from 'node:crypto'
import { view } from '../../../base/bytes.ts'
import { hmac } from '../../../crypto/hash.ts'
import { chunkId, type ChunkId } from '../../../shard/index.ts'

const MAX_PAGES = 2048
const MAX_BYTES = 8 * 1024 * 1024
/** Pages change alone: small chunks keep what lives of an older one from being dragged along. */
const CHUNK_BYTES = 64 * 1024
export const PAGE_HASH_BYTES = 16
const HASH_BYTES = PAGE_HASH_BYTES
const ID_BYTES = 32
const HEAD_BYTES = 8
const KEY_BYTES = 32

export function pagesPerSegment(pageBytes: number): number {
  return Math.min(MAX_PAGES, MAX_BYTES / pageBytes)
}

/** At most 128. */
export function pagesPerChunk(pageBytes: number): number {
  return Math.max(1, CHUNK_BYTES / pageBytes)
}

export interface PageSegment {
  readonly pages: number
  /** 16 bytes a page. */
  readonly hashes: Uint8Array
  /** Per page: which chunk of the table below, and the how many-eth page of it. */
  readonly slots: Uint16Array
  readonly positions: Uint8Array
  readonly chunks: readonly { readonly id: ChunkId; readonly pages: number }[]
}

export function encodeSegment({ pages, hashes, slots, positions, chunks }: PageSegment): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES + pages * (HASH_BYTES + 3) + chunks.length * (ID_BYTES + 1))
  bytes.writeUInt32BE(pages, 0)
  bytes.writeUInt32BE(chunks.length, 4)
  let at = HEAD_BYTES
  bytes.set(hashes, at)
  at += pages * HASH_BYTES
  for (const slot of slots) at = bytes.writeUInt16BE(slot, at)
  bytes.set(positions, at)
  at += pages
  for (const { id } of chunks) {
    bytes.set(id, at)
    at += ID_BYTES
  }
  for (const chunk of chunks) at = bytes.writeUInt8(chunk.pages - 1, at)
  return bytes
}

/** Undefined where it does not add up: the pages are stored as if they were new. */
export function decodeSegment(stored: Uint8Array): PageSegment | undefined {
  const bytes = view(stored)
  if (bytes.length < HEAD_BYTES) return undefined
  const pages = bytes.readUInt32BE(0)
  const count = bytes.readUInt32BE(4)
  if (bytes.length !== HEAD_BYTES + pages * (HASH_BYTES + 3) + count * (ID_BYTES + 1)) return undefined
  const slotsAt = HEAD_BYTES + pages * HASH_BYTES
  const idsAt = slotsAt + pages * 3
  const slots = new Uint16Array(pages)
  for (let page = 0; page < pages; page++) slots[page] = bytes.readUInt16BE(slotsAt + page * 2)
  const positions = bytes.subarray(slotsAt + pages * 2, idsAt)
  const chunks = Array.from({ length: count }, (_, no) => ({
    id: chunkId(bytes.subarray(idsAt + no * ID_BYTES, idsAt + (no + 1) * ID_BYTES)),
    pages: (bytes[idsAt + count * ID_BYTES + no] ?? 0) + 1,
  }))
  const sound = slots.every((slot, page) => (positions[page] ?? 0) < (chunks[slot]?.pages ?? 0))
  return sound ? { pages, hashes: bytes.subarray(HEAD_BYTES, slotsAt), slots, positions, chunks } : undefined
}

/** The name of a database's map: paths do not lie in clear in the catalogue's tables. 16 bytes. */
export function mapName(idMac: Uint8Array, path: Uint8Array): Uint8Array {
  return hmac(idMac, Buffer.concat([Buffer.from('plexichat/page-map/1'), path])).subarray(0, HASH_BYTES)
}

/**
 * SHA-256(key ‖ page), 16 bytes of it, page after page, the last one as long as it is. Keyed, because whoever writes
 * into a database must not be able to make two pages that pass for each other.
 */
export class PageHasher {
  readonly #pageBytes: number
  readonly #scratch: Buffer

  constructor(idMac: Uint8Array, pageBytes: number) {
    this.#pageBytes = pageBytes
    this.#scratch = Buffer.alloc(KEY_BYTES + pageBytes)
    this.#scratch.set(hmac(idMac, Buffer.from('plexichat/page-hash/1')), 0)
  }

  /** One native call a page; `into` has room for 16 bytes each. */
  hash(data: Uint8Array, into: Uint8Array): void {
    const scratch = this.#scratch
    for (let at = 0, page = 0; at < data.length; at += this.#pageBytes, page++) {
      const piece = data.subarray(at, at + this.#pageBytes)
      scratch.set(piece, KEY_BYTES)
      const whole = piece.length === this.#pageBytes ? scratch : scratch.subarray(0, KEY_BYTES + piece.length)
      into.set(hash('sha256', whole, 'buffer').subarray(0, HASH_BYTES), page * HASH_BYTES)
    }
  }
}
