/**
 * Stripes: ids, index records and the manifest that every put carries. Spec: docs/spec/03-stripe.md § Stripe, § Manifest.
 * Invariant: a record's id is the hash of its shape and shard ids; nothing decodes whose id does not match.
 */
import * as z from 'zod'
import { concat, equal, utf8, view } from '../base/bytes.ts'
import { invariant, PlexiError } from '../base/errors.ts'
import { bytesOf, decodeAs, encode, parseAs, uintUpTo, type Plain } from '../crypto/codec.ts'
import { sha256 } from '../crypto/hash.ts'
import type { Shape } from './erasure.ts'
import type { GroupId, ShardId, StripeId } from './ids.ts'
import { MAX_MANIFEST_BYTES, MAX_STRIPE_SHARDS } from './options.ts'
import type { StripeRecord } from './shard-network.ts'

/** H("stripe" ‖ k ‖ n ‖ ids…), k and n one byte each. */
export function stripeIdOf({ k, n, ids }: Shape & { readonly ids: readonly ShardId[] }): StripeId {
  return sha256(concat(utf8('stripe'), Uint8Array.of(k, n), ...ids)) as StripeId
}

/** A record with its id. `ids` are k data, then n−k parity shard ids: all different, or all the same where k = 1. */
export function stripeRecord(
  stripe: Shape & { readonly ids: readonly ShardId[]; readonly group: GroupId },
): StripeRecord {
  const problem = problemOf(stripe)
  invariant(problem === undefined, problem ?? 'a stripe')
  const { k, n, ids, group } = stripe
  return { id: stripeIdOf(stripe), k, n, ids, group }
}

/** `{k, n, ids, group}`, as index segments hold it. */
export function encodeStripe({ k, n, ids, group }: StripeRecord): Plain {
  return { k, n, ids, group }
}

/** Strict inverse of `encodeStripe`. Throws `VALIDATION_DECODE`. */
export function decodeStripe(plain: Plain): StripeRecord {
  return recordOf(parseAs(z.strictObject(stripeFields), plain, 'stripe'))
}

/** Canonical CBOR of `{stripeId, k, n, ids, group}`; a device signs it in domain `manifest`. */
export function manifestPayload({ id, k, n, ids, group }: StripeRecord): Uint8Array {
  return encode({ stripeId: id, k, n, ids, group })
}

/** Strict inverse of `manifestPayload`. Throws `VALIDATION_DECODE`, also when the id does not match its content. */
export function openManifest(payload: Uint8Array): StripeRecord {
  const { stripeId, ...stripe } = decodeAs(manifestSchema, payload, { what: 'stripe', maxBytes: MAX_MANIFEST_BYTES })
  const record = recordOf(stripe)
  if (!equal(stripeId, record.id)) throw malformed('the stripe id does not match')
  return record
}

const stripeFields = {
  k: uintUpTo(MAX_STRIPE_SHARDS),
  n: uintUpTo(MAX_STRIPE_SHARDS),
  ids: z.array(bytesOf(32) as z.ZodType<ShardId>).max(MAX_STRIPE_SHARDS),
  group: bytesOf(16) as z.ZodType<GroupId>,
}
const manifestSchema = z.strictObject({ ...stripeFields, stripeId: bytesOf(32) })

function recordOf(stripe: Omit<StripeRecord, 'id'>): StripeRecord {
  const problem = problemOf(stripe)
  if (problem !== undefined) throw malformed(problem)
  return stripeRecord(stripe)
}

function problemOf({ k, n, ids }: Shape & { readonly ids: readonly ShardId[] }): string | undefined {
  if (!(k >= 1 && k <= n && n <= MAX_STRIPE_SHARDS)) return 'not 1 ≤ k ≤ n ≤ 64'
  if (ids.length !== n) return 'not n shard ids'
  const distinct = new Set(ids.map((id) => view(id).toString('latin1')))
  // With k = 1 every row of the generator is 1: parity shards are copies of the data shard and share its id.
  return distinct.size === (k === 1 ? 1 : n) ? undefined : 'a shard is listed twice'
}

function malformed(reason: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what: 'stripe', reason })
}
