/**
 * Seeds: shards on a disk that is carried to a host, with the word of the device that made it. Spec: docs/spec/07-seed.md
 * Invariants: the signed part binds every shard by one root; items ascend by shard id, so that none comes twice; nothing
 * in a seed is of use to another host, device or vault.
 */
import * as z from 'zod'
import { compare, KiB } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import { bytesOf, bytesUpTo, decodeAs, encode, peerField, uint, uintUpTo, vaultField } from '../crypto/codec.ts'
import { publicKeyOfPeer, type PeerKey, type VaultId } from '../crypto/ids.ts'
import { MAX_CERTIFICATE_BYTES, MAX_TERMS_BYTES } from '../crypto/options.ts'
import { ENVELOPE_BYTES, envelopePayload, openEnvelope, signEnvelope, type SigningKey } from '../crypto/signature.ts'
import type { ShardId } from './ids.ts'
import { MAX_MANIFEST_BYTES, MAX_STRIPE_SHARDS } from './options.ts'
import type { StripeRecord } from './shard-network.ts'
import { openManifest } from './stripe.ts'

/** 256 GiB of shards. */
export const MAX_SEED_SHARDS = 262_144
export const MAX_SEED_BYTES = 20 * KiB
export const SEED_PAGE_ITEMS = 64
export const SEED_PAGE_BYTES = 320 * KiB
export const SEED_RECEIPTS_BYTES = 64 * KiB
const MAX_RECEIPT_BYTES = 512

/** Names in the directory of a seed. */
export const SEED_FILE = 'seed'

/** What the device signs. */
export interface Seed {
  readonly vault: VaultId
  readonly device: PeerKey
  /** The host it is for. */
  readonly host: PeerKey
  /** ms since 1970. */
  readonly time: number
  readonly certificate: Uint8Array
  readonly terms: Uint8Array
  /** Shards, and the RFC 6962 root over their ids in ascending order. */
  readonly count: number
  readonly root: Uint8Array
}

/** One shard: the manifest its stripe was signed with, and where in it the shard stands. */
export interface SeedItem {
  readonly shardId: ShardId
  readonly stripe: StripeRecord
  readonly index: number
  /** Envelope of domain `manifest`. */
  readonly manifest: Uint8Array
}

export function signSeed(key: SigningKey, seed: Seed): Uint8Array {
  return signEnvelope(key, 'seed', encode({ v: 1, ...seed }))
}

/**
 * Strict; the signature is that of the device it names, which says nothing yet about who that device is. Throws
 * `VALIDATION_LIMIT`, `VALIDATION_DECODE`, `SECURITY_SIGNATURE`.
 */
export function openSeed(bytes: Uint8Array): Seed {
  const limits = { what: 'seed', maxBytes: MAX_SEED_BYTES }
  const { v: _, ...seed } = decodeAs(seedSchema, envelopePayload(bytes, limits), limits)
  openEnvelope(bytes, { ...limits, publicKey: publicKeyOfPeer(seed.device), domain: 'seed' })
  return seed
}

/** Pages of a seed with so many shards. */
export function seedPages(count: number): number {
  return Math.ceil(count / SEED_PAGE_ITEMS)
}

/** `0000`, `0001`, … */
export function seedPageName(page: number): string {
  return String(page).padStart(4, '0')
}

export function encodeSeedPage(items: readonly Pick<SeedItem, 'index' | 'manifest'>[]): Uint8Array {
  return encode(items.map(({ index, manifest }) => ({ index, manifest })))
}

/** Strict inverse; every manifest is checked against the device's key. Throws as `openSeed` does. */
export function openSeedPage(bytes: Uint8Array, device: PeerKey): SeedItem[] {
  const page = decodeAs(pageSchema, bytes, { what: 'seed page', maxBytes: SEED_PAGE_BYTES })
  const publicKey = publicKeyOfPeer(device)
  const limits = { what: 'stripe manifest', maxBytes: MAX_MANIFEST_BYTES + ENVELOPE_BYTES, publicKey } as const
  const items = page.map(({ index, manifest }): SeedItem => {
    const stripe = openManifest(openEnvelope(manifest, { ...limits, domain: 'manifest' }))
    const shardId = stripe.ids[index]
    if (shardId === undefined) throw malformed('an index beyond its stripe')
    return { shardId, stripe, index, manifest }
  })
  items.forEach(({ shardId }, i) => {
    const before = items[i - 1]?.shardId
    if (before !== undefined && compare(before, shardId) >= 0) throw malformed('shards out of order')
  })
  return items
}

/** The host's receipts for a page, in its order; null for what was not stored. */
export function encodeSeedReceipts(receipts: readonly (Uint8Array | null)[]): Uint8Array {
  return encode([...receipts])
}

/** Strict inverse; nothing in them is checked. */
export function openSeedReceipts(bytes: Uint8Array): (Uint8Array | null)[] {
  return decodeAs(receiptsSchema, bytes, { what: 'seed receipts', maxBytes: SEED_RECEIPTS_BYTES })
}

const seedSchema = z.strictObject({
  v: z.literal(1),
  vault: vaultField,
  device: peerField,
  host: peerField,
  time: uint,
  certificate: bytesUpTo(MAX_CERTIFICATE_BYTES),
  terms: bytesUpTo(MAX_TERMS_BYTES),
  count: uintUpTo(MAX_SEED_SHARDS).refine((count) => count > 0),
  root: bytesOf(32),
})
const pageSchema = z
  .array(
    z.strictObject({
      index: uintUpTo(MAX_STRIPE_SHARDS - 1),
      manifest: bytesUpTo(MAX_MANIFEST_BYTES + ENVELOPE_BYTES),
    }),
  )
  .min(1)
  .max(SEED_PAGE_ITEMS)
const receiptsSchema = z.array(bytesUpTo(MAX_RECEIPT_BYTES).nullable()).min(1).max(SEED_PAGE_ITEMS)

function malformed(reason: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what: 'seed page', reason })
}
