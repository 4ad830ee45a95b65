/** Writing a shard by the tables of docs/spec/02-shard.md. */
import { zstdCompressSync } from 'node:zlib'
import { keyOf, u16, u32 } from './make.ts'
import { concat, open, utf8 } from './open.ts'

export interface PlainParts {
  readonly kind?: number
  readonly frames: readonly { readonly chunks: readonly Uint8Array[]; readonly codec?: number }[]
}

/** The plaintext up to its padding. */
export function plainOf({ kind = 1, frames }: PlainParts): Uint8Array {
  const stored = frames.map(({ chunks, codec = 0 }) => {
    const plain = concat(...chunks)
    return { codec, plainLength: plain.length, bytes: codec === 0 ? plain : Uint8Array.from(zstdCompressSync(plain)) }
  })
  const entries = frames.flatMap(({ chunks }, frame) => {
    let offset = 0
    return chunks.map((chunk) => {
      const row = concat(open.chunkId(keyOf('id-mac'), chunk), u16(frame), u32(offset), u32(chunk.length))
      offset += chunk.length
      return row
    })
  })
  let at = 7 + 13 * stored.length + 42 * entries.length
  const rows = stored.map(({ codec, plainLength, bytes }) => {
    const row = concat(u32(at), u32(bytes.length), u32(plainLength), Uint8Array.of(codec))
    at += bytes.length
    return row
  })
  const head = concat(Uint8Array.of(kind), u16(stored.length), u32(entries.length))
  return concat(head, ...rows, ...entries, ...stored.map(({ bytes }) => bytes))
}

export interface ShardParts {
  readonly suite: number
  readonly epoch: number
  readonly epochKey: Uint8Array
  readonly salt: Uint8Array
  readonly plain: Uint8Array
}

/** The 1,048,576 bytes of a sealed shard. */
export function sealedShard({ suite, epoch, epochKey, salt, plain }: ShardParts): Uint8Array {
  const { key, nonce, commitment } = open.sealKey(epochKey, salt, { label: 'shard', suite })
  const header = concat(utf8('PXS1'), Uint8Array.of(suite, 0, 0, 0), u32(epoch), salt, commitment)
  const whole = new Uint8Array(1_048_484)
  whole.set(plain)
  return concat(header, open.aead(suite, { key, nonce, aad: header }).encrypt(whole))
}
