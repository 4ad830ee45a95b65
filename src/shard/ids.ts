/** Branded identifiers of stored things. All are 32 bytes; group ids are 16. */
import { PlexiError } from '../base/errors.ts'

declare const brand: unique symbol

/** Merkle root over the 64 leaves of a sealed shard. */
export type ShardId = Uint8Array & { readonly [brand]: 'ShardId' }
/** HMAC-SHA-256 of a chunk's plaintext under the vault's `id-mac` key. */
export type ChunkId = Uint8Array & { readonly [brand]: 'ChunkId' }
export type StripeId = Uint8Array & { readonly [brand]: 'StripeId' }
/** 16 random bytes naming a placement group of one vault. */
export type GroupId = Uint8Array & { readonly [brand]: 'GroupId' }

export const shardId = (bytes: Uint8Array): ShardId => sized(bytes, 32, 'a shard id of 32 bytes') as ShardId
export const chunkId = (bytes: Uint8Array): ChunkId => sized(bytes, 32, 'a chunk id of 32 bytes') as ChunkId
export const stripeId = (bytes: Uint8Array): StripeId => sized(bytes, 32, 'a stripe id of 32 bytes') as StripeId
export const groupId = (bytes: Uint8Array): GroupId => sized(bytes, 16, 'a group id of 16 bytes') as GroupId

function sized(bytes: Uint8Array, length: number, expected: string): Uint8Array {
  if (bytes.length !== length) throw new PlexiError('VALIDATION_FORMAT', { expected })
  return bytes
}
