/**
 * Sealing and opening a shard: header, key derivation, AEAD. Spec: docs/spec/02-shard.md § Header, § Opening.
 * Invariant: one key seals one message; nothing of a shard is used before its header, key commitment and tag agree.
 */
import { equalSecret, view, wipe } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import type { EpochKey } from '../crypto/authority.ts'
import { aeadOpen, aeadSeal, deriveSealKey, type Suite } from '../crypto/seal.ts'
import { FRAME_SLAB_BYTES, inflateFrame, type StoredFrame } from './frame.ts'
import type { ChunkId, ShardId } from './ids.ts'
import { decodePlain, encodePlain, type ChunkEntry, type ShardContent, type ShardKind } from './layout.ts'
import { OPEN_FRAME_CACHE, SHARD_BYTES, SHARD_HEADER_BYTES, SHARD_PLAIN_BYTES } from './options.ts'
import { shardRoot } from './root.ts'

export interface SealedShard {
  readonly id: ShardId
  /** Exactly `SHARD_BYTES`; the caller's to keep. */
  readonly bytes: Uint8Array
  readonly kind: ShardKind
  readonly chunks: readonly ChunkEntry[]
  /** What of the plaintext is not padding. */
  readonly usedBytes: number
}

export interface ShardHeader {
  readonly suite: Suite
  readonly epoch: number
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
}

export interface OpenedShard {
  readonly kind: ShardKind
  readonly epoch: number
  readonly suite: Suite
  readonly chunks: readonly ChunkEntry[]
  /**
   * Plain bytes of a chunk as a view, undefined where this shard has no such chunk. Whether they match the id is the
   * caller's to check (`chunkIdOf`). Throws `VALIDATION_DECODE` for a frame that does not inflate to its length.
   */
  read(id: ChunkId): Uint8Array | undefined
}

export interface SealWith {
  readonly suite: Suite
  readonly epoch: EpochKey
  readonly random: Random
  /** Gives memory for a shard (`SHARD_BYTES`); else each has memory of its own. */
  readonly room?: () => Uint8Array
}

/** Seals `content` into a new shard under a fresh salt. */
export function sealShard(content: ShardContent, seal: SealWith): SealedShard {
  const usedBytes = encodePlain(content, plainSlab)
  const bytes = view(seal.room?.() ?? Buffer.allocUnsafeSlow(SHARD_BYTES))
  const salt = seal.random.bytes(32)
  const { key, nonce, commitment } = deriveSealKey(seal.epoch.key, salt, { label: 'shard', suite: seal.suite })
  bytes.set(MAGIC, 0)
  bytes.writeUInt32BE(seal.suite * 0x1000000, 4)
  bytes.writeUInt32BE(seal.epoch.epoch, 8)
  bytes.set(salt, 12)
  bytes.set(commitment, 44)
  const aad = bytes.subarray(0, SHARD_HEADER_BYTES)
  aeadSeal(seal.suite, { key, nonce, aad, plaintext: plainSlab, into: bytes.subarray(SHARD_HEADER_BYTES) })
  wipe(key)
  return { id: shardRoot(bytes), bytes, kind: content.kind, chunks: content.entries, usedBytes }
}

/** The clear header. Throws `STORAGE_SHARD_SIZE`, `VALIDATION_DECODE`, or `VALIDATION_VERSION` for an unknown suite. */
export function shardHeader(bytes: Uint8Array): ShardHeader {
  if (bytes.length !== SHARD_BYTES) throw new PlexiError('STORAGE_SHARD_SIZE', { bytes: bytes.length })
  const header = view(bytes).subarray(0, SHARD_HEADER_BYTES)
  if (header.compare(MAGIC, 0, 4, 0, 4) !== 0) throw malformed('no shard header')
  const suite = header.readUInt8(4)
  if (suite !== 1 && suite !== 2) throw new PlexiError('VALIDATION_VERSION', { what: 'shard suite', version: suite })
  if (header.readUIntBE(5, 3) !== 0) throw malformed('reserved bytes are not zero')
  return {
    suite,
    epoch: header.readUInt32BE(8),
    salt: header.subarray(12, 44),
    commitment: header.subarray(44, SHARD_HEADER_BYTES),
  }
}

/** Memory for one opened shard after the other: its plaintext, and the frames inflated last. */
export interface OpenSlabs {
  readonly plain: Uint8Array
  readonly frames: readonly Uint8Array[]
}

/** With `frames` inflated frames in memory at a time: the bytes of a chunk last until as many others were inflated. */
export function openSlabs(frames: number): OpenSlabs {
  return {
    plain: Buffer.allocUnsafeSlow(SHARD_PLAIN_BYTES),
    frames: Array.from({ length: frames }, () => Buffer.allocUnsafeSlow(FRAME_SLAB_BYTES)),
  }
}

/**
 * Opens a shard with the key of its epoch. Throws as `shardHeader` does, `SECURITY_SEALED` when the key is unknown or
 * header, key and tag disagree, `VALIDATION_DECODE` when the plaintext is not of the format. `slabs` are the shard's for
 * as long as it is read; without them it has memory of its own.
 */
export function openShard(
  bytes: Uint8Array,
  keys: { epochKey: (epoch: number) => Uint8Array | undefined; slabs?: OpenSlabs },
): OpenedShard {
  const { suite, epoch, salt, commitment } = shardHeader(bytes)
  const epochKey = keys.epochKey(epoch)
  if (epochKey === undefined) throw sealed(`no key of epoch ${String(epoch)}`)
  const derived = deriveSealKey(epochKey, salt, { label: 'shard', suite })
  if (!equalSecret(derived.commitment, commitment)) throw sealed('the key commitment differs')
  const plain = keys.slabs?.plain ?? Buffer.allocUnsafeSlow(SHARD_PLAIN_BYTES)
  const aad = bytes.subarray(0, SHARD_HEADER_BYTES)
  aeadOpen(suite, { ...derived, aad, sealed: bytes.subarray(SHARD_HEADER_BYTES), into: plain })
  wipe(derived.key)
  return new PlainShard(decodePlain(plain), { suite, epoch, slabs: keys.slabs?.frames })
}

class PlainShard implements OpenedShard {
  readonly kind: ShardKind
  readonly epoch: number
  readonly suite: Suite
  readonly chunks: readonly ChunkEntry[]
  readonly #content: ShardContent
  readonly #byId: ReadonlyMap<string, ChunkEntry>
  /** Oldest use first. */
  readonly #inflated = new Map<number, Uint8Array>()
  readonly #slabs: readonly Uint8Array[] | undefined

  constructor(
    content: ShardContent,
    header: { suite: Suite; epoch: number; slabs: readonly Uint8Array[] | undefined },
  ) {
    this.kind = content.kind
    this.epoch = header.epoch
    this.suite = header.suite
    this.chunks = content.entries
    this.#content = content
    this.#slabs = header.slabs
    this.#byId = new Map(content.entries.map((entry) => [keyOf(entry.id), entry]))
  }

  read(id: ChunkId): Uint8Array | undefined {
    const entry = this.#byId.get(keyOf(id))
    if (entry === undefined) return undefined
    return this.#plainOf(entry.frame).subarray(entry.offset, entry.offset + entry.length)
  }

  #plainOf(number: number): Uint8Array {
    const frame = this.#content.frames[number]
    if (frame === undefined) throw malformed('no such frame')
    const plain = this.#inflated.get(number) ?? this.#inflate(frame)
    this.#inflated.delete(number)
    this.#inflated.set(number, plain)
    return plain
  }

  /** Instead of the frame that was not used for longest. */
  #inflate(frame: StoredFrame): Uint8Array {
    const most = this.#slabs?.length ?? OPEN_FRAME_CACHE
    const oldest = this.#inflated.keys().next()
    if (this.#inflated.size >= most && oldest.done !== true) this.#inflated.delete(oldest.value)
    const used = new Set([...this.#inflated.values()].map(({ buffer }) => buffer))
    return inflateFrame(
      frame,
      this.#slabs?.find(({ buffer }) => !used.has(buffer)),
    )
  }
}

const MAGIC = Buffer.from('PXS1', 'latin1')

/** Sealing is synchronous, so one plaintext at a time is enough; it is overwritten whole by the next. */
const plainSlab = Buffer.alloc(SHARD_PLAIN_BYTES)

function keyOf(id: Uint8Array): string {
  return view(id).toString('latin1')
}

function malformed(reason: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what: 'shard', reason })
}

function sealed(reason: string): PlexiError {
  return new PlexiError('SECURITY_SEALED', { what: 'shard', reason })
}
