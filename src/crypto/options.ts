/**
 * Bounds of the crypto room. Every decoder takes its limit from here. Spec: docs/spec/01-keys.md § Limits
 */
import { KiB, MiB } from '../base/bytes.ts'
import { DAY } from '../base/clock.ts'

/** Nesting of CBOR arrays and maps. */
export const MAX_CBOR_DEPTH = 24

export const MAX_CERTIFICATE_BYTES = 1 * KiB
export const MAX_TERMS_BYTES = 16 * KiB
export const MAX_AUTHORITY_BYTES = 256 * KiB
export const MAX_KEYSTORE_BYTES = 1 * MiB
/** What is sealed to a new device. */
export const MAX_WELCOME_BYTES = 4 * KiB

/** Revoked ones included: the list only grows. */
export const MAX_DEVICES = 256
export const MAX_EPOCHS = 1024
export const MAX_REVOKED = 1024
/** UTF-8 bytes of a device's name. */
export const MAX_NAME_BYTES = 64

/** A new certificate is good for ten years. */
export const CERTIFICATE_LIFE_MS = 3650 * DAY
/** No terms may promise hosts a shorter delay of deletions. */
export const MIN_FLOOR_DAYS = 7
export const MAX_FLOOR_DAYS = 3650

/** Leaves of one Merkle tree, so that positions fit 32-bit arithmetic. */
export const MAX_MERKLE_LEAVES = 2 ** 31 - 1

/** What a passphrase costs: RFC 9106's second choice. */
export const ARGON2 = { memoryKiB: 65_536, passes: 3, lanes: 4 } as const
/** Weaker stored parameters are refused: somebody may have put them there. */
export const ARGON2_FLOOR = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const
/** Costlier ones too: opening a keystore must not exhaust the machine. */
export const ARGON2_CEILING = { memoryKiB: 1_048_576, passes: 16, lanes: 16 } as const
