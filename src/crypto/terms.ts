/**
 * Terms: the vault's rules for hosts, signed and in clear. Spec: docs/spec/01-keys.md § Terms
 *
 * Invariant: what terms promised stays promised: serials only accumulate, a shorter floor waits until the old one has
 * run out. So whoever steals a device, or even the phrase, cannot make hosts forget at once.
 */
import * as z from 'zod'
import { DAY } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import { equal } from '../base/bytes.ts'
import { decodeAs, encode, uintUpTo, vaultField } from './codec.ts'
import { vaultId, type VaultId } from './ids.ts'
import { MAX_FLOOR_DAYS, MAX_REVOKED, MAX_TERMS_BYTES, MIN_FLOOR_DAYS } from './options.ts'
import { openEnvelope, signEnvelope, type SigningKey } from './signature.ts'

export interface Terms {
  readonly v: 1
  readonly vault: VaultId
  /** From 1. */
  readonly version: number
  /** How long hosts delay every deletion, 7 to 3650. */
  readonly floorDays: number
  /** Ascending. */
  readonly revokedSerials: readonly number[]
}

/** A replaced floor that still holds. */
export interface HeldFloor {
  readonly floorDays: number
  readonly untilMs: number
}

/** Serials are sorted; throws `VALIDATION_DECODE` for what no host would accept. */
export function signTerms(sign: SigningKey, content: Omit<Terms, 'v' | 'vault'>): Uint8Array {
  const { version, floorDays } = content
  const revokedSerials = [...new Set(content.revokedSerials)].sort((a, b) => a - b)
  const payload = encode({ v: 1, vault: vaultId(sign.publicKey), version, floorDays, revokedSerials })
  decodeAs(termsSchema, payload, limits)
  return signEnvelope(sign, 'terms', payload)
}

/** Throws `SECURITY_SIGNATURE` unless `vault` signed them, `VALIDATION_*` when malformed. */
export function openTerms(bytes: Uint8Array, vault: VaultId): Terms {
  const terms = decodeAs(termsSchema, openEnvelope(bytes, { ...limits, publicKey: vault, domain: 'terms' }), limits)
  if (!equal(terms.vault, vault)) throw new PlexiError('VALIDATION_DECODE', { ...limits, reason: 'another vault' })
  return terms
}

/** True if `next` takes the place of `old`: same vault, higher version, no serial forgotten. */
export function supersedes(old: Terms, next: Terms): boolean {
  const serials = new Set(next.revokedSerials)
  return (
    equal(old.vault, next.vault) &&
    next.version > old.version &&
    old.revokedSerials.every((serial) => serials.has(serial))
  )
}

/**
 * What a host remembers when it replaces `old` at `now`: floors that still hold, the old one among them. A floor that a
 * longer and later one covers is left out, so the list has at most one entry per length.
 */
export function heldFloors(old: Terms, held: readonly HeldFloor[], now: number): HeldFloor[] {
  const added = { floorDays: old.floorDays, untilMs: now + old.floorDays * DAY }
  const others = held.filter((floor) => floor.untilMs > now && !covers(added, floor))
  return others.some((floor) => covers(floor, added)) ? others : [...others, added]
}

/** The floor that counts at `now`: the highest of the terms' own and those still held. */
export function floorInForce(terms: Terms, held: readonly HeldFloor[], now: number): number {
  return Math.max(terms.floorDays, ...held.filter((floor) => floor.untilMs > now).map((floor) => floor.floorDays))
}

const covers = (one: HeldFloor, other: HeldFloor): boolean =>
  one.floorDays >= other.floorDays && one.untilMs >= other.untilMs

const limits = { what: 'terms', maxBytes: MAX_TERMS_BYTES }

const termsSchema: z.ZodType<Terms> = z.strictObject({
  v: z.literal(1),
  vault: vaultField,
  version: uintUpTo(2 ** 32 - 1).refine((version) => version > 0, { error: 'versions start at 1' }),
  floorDays: uintUpTo(MAX_FLOOR_DAYS).refine((days) => days >= MIN_FLOOR_DAYS, {
    error: 'shorter than any host allows',
  }),
  revokedSerials: z
    .array(uintUpTo(2 ** 48 - 1))
    .max(MAX_REVOKED)
    .refine((serials) => serials.every((serial, i) => i === 0 || serial > (serials[i - 1] ?? 0)), {
      error: 'serials are not in order',
    }),
})
