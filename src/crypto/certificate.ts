/**
 * Certificates: what the vault lets a device do. Hosts authorise by them, never by peer id. Spec: docs/spec/01-keys.md § Certificate
 *
 * Invariant: a certificate names the peer it is for, and is worth nothing on any other connection.
 */
import * as z from 'zod'
import { isPlexiError, PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { bytesOf, decodeAs, encode, peerField, uintUpTo, vaultField } from './codec.ts'
import { vaultId, type PeerKey, type VaultId } from './ids.ts'
import { MAX_CERTIFICATE_BYTES } from './options.ts'
import { envelopePayload, openEnvelope, signEnvelope, type SigningKey } from './signature.ts'

/** In canonical order. */
export const allGrants = ['store', 'fetch', 'release', 'head', 'chat'] as const
export type Grant = (typeof allGrants)[number]

export interface Certificate {
  readonly v: 1
  readonly vault: VaultId
  readonly peer: PeerKey
  /** X25519 public key of the device, 32 bytes. */
  readonly dh: Uint8Array
  readonly grants: readonly Grant[]
  /** Random, 1 to 2⁴⁸ − 1; what a revocation names. */
  readonly serial: number
  /** Milliseconds since 1970. */
  readonly notAfter: number
}

export function newSerial(random: Random): number {
  return 1 + random.below(2 ** 48 - 1)
}

/** Signed by the vault key. Grants are put into canonical order. */
export function issueCertificate(sign: SigningKey, content: Omit<Certificate, 'v' | 'vault'>): Uint8Array {
  const grants = allGrants.filter((grant) => content.grants.includes(grant))
  const { peer, dh, serial, notAfter } = content
  const payload = encode({ v: 1, vault: vaultId(sign.publicKey), peer, dh, grants, serial, notAfter })
  decodeAs(certificateSchema, payload, limits)
  return signEnvelope(sign, 'certificate', payload)
}

/** Verifies the signature against the vault named inside; anything wrong is `AUTH_CERTIFICATE`. Expiry: `checkCertificate`. */
export function openCertificate(bytes: Uint8Array): Certificate {
  try {
    const certificate = decodeAs(certificateSchema, envelopePayload(bytes, limits), limits)
    openEnvelope(bytes, { ...limits, publicKey: certificate.vault, domain: 'certificate' })
    return certificate
  } catch (cause) {
    const reason = isPlexiError(cause, 'SECURITY_SIGNATURE') ? 'its signature does not verify' : 'it is malformed'
    throw new PlexiError('AUTH_CERTIFICATE', { reason }, { cause })
  }
}

/** Throws `AUTH_CERTIFICATE` (another peer, expired), `AUTH_REVOKED` or `AUTH_GRANT_MISSING`. `peer` is the connection's authenticated one. */
export function checkCertificate(
  certificate: Certificate,
  use: { peer: PeerKey; now: number; grant?: Grant; revoked: ReadonlySet<number> },
): void {
  if (certificate.peer !== use.peer) throw new PlexiError('AUTH_CERTIFICATE', { reason: 'it belongs to another peer' })
  if (use.now > certificate.notAfter) throw new PlexiError('AUTH_CERTIFICATE', { reason: 'it has expired' })
  if (use.revoked.has(certificate.serial)) throw new PlexiError('AUTH_REVOKED', { peer: use.peer })
  if (use.grant !== undefined && !certificate.grants.includes(use.grant)) {
    throw new PlexiError('AUTH_GRANT_MISSING', { grant: use.grant })
  }
}

const limits = { what: 'a certificate', maxBytes: MAX_CERTIFICATE_BYTES }

/** Position in the table rises, so there is one order and no duplicate. */
const grantsField = z
  .array(z.enum(allGrants))
  .min(1)
  .refine((grants) => grants.every((grant, i) => i === 0 || rank(grant) > rank(grants[i - 1])), {
    error: 'grants are not in order',
  })

const rank = (grant: Grant | undefined): number => (grant === undefined ? -1 : allGrants.indexOf(grant))

const certificateSchema: z.ZodType<Certificate> = z.strictObject({
  v: z.literal(1),
  vault: vaultField,
  peer: peerField,
  dh: bytesOf(32),
  grants: grantsField,
  serial: uintUpTo(2 ** 48 - 1).refine((serial) => serial > 0, { error: 'zero' }),
  notAfter: uintUpTo(2 ** 53 - 1),
})
