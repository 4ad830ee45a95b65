/**
 * The rows of the host's metadata. Shard rows are fixed binary, because a host may have a million of them; the others
 * are canonical CBOR. Spec: docs/spec/05-storage-protocol.md § Host store
 */
import * as z from 'zod'
import { view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { bytesOf, bytesUpTo, decodeAs, encode, uint } from '../../crypto/codec.ts'
import { MAX_HELD_FLOORS } from './options.ts'

/** `number`: the vault's put number; `time`: when it was stored, ms. Both below 2⁴⁸. */
export interface ShardRow {
  readonly number: number
  readonly time: number
}

export type VaultRow = z.infer<typeof vaultSchema>
export type ReleaseRow = z.infer<typeof releaseSchema>
export type RenewalRow = z.infer<typeof renewalSchema>
export type HeadRow = z.infer<typeof headSchema>

const SHARD_ROW_BYTES = 12
const MAX_ROW_BYTES = 65_536

const vaultSchema = z.strictObject({
  /** Number of the next put. */
  next: uint,
  shards: uint,
  bytes: uint,
  /** Bytes of heads, authority and terms. */
  headBytes: uint,
  firstSeen: uint,
  /** Whether the vault was vouched when it last stored something. */
  vouched: z.boolean(),
  /** Longer floors still in force though the terms name a shorter one. */
  heldFloors: z.array(z.strictObject({ floorDays: uint, untilMs: uint })).max(MAX_HELD_FLOORS),
})

const releaseSchema = z.strictObject({
  requestedAt: uint,
  effectiveAt: uint,
  /** The signed request as received: why the shard was deleted. */
  order: bytesUpTo(8_192),
})

const renewalSchema = z.strictObject({ upTo: uint, until: uint })

const headSchema = z.strictObject({
  seq: uint,
  sealedHash: bytesOf(32),
  storedAt: uint,
  bytes: uint,
  /** Notices that name a seq already taken by another head: evidence of a fork. */
  forks: z.array(bytesUpTo(1_024)).max(16),
})

export function encodeShard(row: ShardRow): Uint8Array {
  const bytes = Buffer.alloc(SHARD_ROW_BYTES)
  bytes.writeUIntBE(row.number, 0, 6)
  bytes.writeUIntBE(row.time, 6, 6)
  return bytes
}

export function decodeShard(bytes: Uint8Array): ShardRow {
  if (bytes.length !== SHARD_ROW_BYTES) {
    throw new PlexiError('STORAGE_DATABASE', { name: 'hosted/metadata', reason: 'a shard row of another length' })
  }
  const row = view(bytes)
  return { number: row.readUIntBE(0, 6), time: row.readUIntBE(6, 6) }
}

export const encodeVault = (row: VaultRow): Uint8Array => encode(row)
export const decodeVault = (bytes: Uint8Array): VaultRow => read(vaultSchema, bytes, 'vault row')
export const encodeRelease = (row: ReleaseRow): Uint8Array => encode(row)
export const decodeRelease = (bytes: Uint8Array): ReleaseRow => read(releaseSchema, bytes, 'release row')
export const encodeRenewal = (row: RenewalRow): Uint8Array => encode({ upTo: row.upTo, until: row.until })
export const decodeRenewal = (bytes: Uint8Array): RenewalRow => read(renewalSchema, bytes, 'renewal row')
export const encodeHead = (row: HeadRow): Uint8Array => encode(row)
export const decodeHead = (bytes: Uint8Array): HeadRow => read(headSchema, bytes, 'head row')

function read<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  return decodeAs(schema, bytes, { what, maxBytes: MAX_ROW_BYTES })
}
