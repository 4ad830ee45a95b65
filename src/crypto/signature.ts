/**
 * Ed25519 signatures and the envelope that carries signed bytes. Spec: docs/spec/01-keys.md § Signatures
 *
 * Invariant: a signature covers its domain, so none can be taken for one over another kind of object; and it covers
 * bytes that travel as they were signed, never a re-encoding.
 */
import { sign as edSign, verify as edVerify, type KeyObject } from 'node:crypto'
import * as z from 'zod'
import { concat, utf8 } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import { bytesOf, decodeAs, encode, type DecodeLimits } from './codec.ts'
import { privateKeyObject, publicKeyObject, rawPublicKey } from './key-objects.ts'

/** Everything that is ever signed, and by whom. The text signed is `plexichat/v1/<domain>`, a zero byte, the payload. */
export const signDomains = {
  certificate: 'vault: what a device may do',
  authority: 'vault: devices, epochs, revocations',
  terms: 'vault: rules for hosts, in clear',
  'head-notice': 'device: a newer head exists',
  receipt: 'host: a shard is stored',
  manifest: 'device: the shards of a stripe',
  ticket: 'device: who may repair a group',
  holders: 'group member: who holds what',
  attestation: 'group member: a shard is gone',
  renew: 'device: leases live on',
  release: 'device: shards are no longer needed',
  request: 'device: one storage request',
  offer: 'host: what it offers',
  'dht-record': 'period key: where heads are',
  invite: 'host: may join and is vouched for',
  join: 'device: takes up an invite',
  transcript: 'host: its answer to an audit',
  contact: 'vault: a contact card',
  'group-event': 'device: membership of a conversation',
  seed: 'device: shards carried to a host on a disk',
} as const

export type SignDomain = keyof typeof signDomains

export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  sign(domain: SignDomain, payload: Uint8Array): Uint8Array
}

export const SIGNATURE_BYTES = 64
/** Bytes an envelope adds to its payload, at most. */
export const ENVELOPE_BYTES = 1 + 9 + 2 + SIGNATURE_BYTES

/** The key of a 32-byte Ed25519 seed. The seed itself is not kept; the caller wipes it. */
export function signingKey(seed: Uint8Array): SigningKey {
  const key = privateKeyObject('ed25519', seed)
  return {
    publicKey: rawPublicKey('ed25519', key),
    sign: (domain, payload) => edSign(null, message(domain, payload), key),
  }
}

/** False for a wrong signature as well as for bytes that are no key or signature at all. */
export function verifySignature(
  publicKey: Uint8Array,
  signed: { domain: SignDomain; payload: Uint8Array; signature: Uint8Array },
): boolean {
  if (signed.signature.length !== SIGNATURE_BYTES) return false
  const key = usableKey(publicKey)
  return key !== undefined && edVerify(null, message(signed.domain, signed.payload), key, signed.signature)
}

/** CBOR `[payload, signature]`. */
export function signEnvelope(key: SigningKey, domain: SignDomain, payload: Uint8Array): Uint8Array {
  return encode([payload, key.sign(domain, payload)])
}

/**
 * The payload, verified. Throws `VALIDATION_LIMIT` or `VALIDATION_DECODE` for what is no envelope and
 * `SECURITY_SIGNATURE` when the key did not sign it. `maxBytes` is of the whole envelope.
 */
export function openEnvelope(
  bytes: Uint8Array,
  expect: DecodeLimits & { publicKey: Uint8Array; domain: SignDomain },
): Uint8Array {
  const [payload, signature] = decodeAs(envelopeSchema, bytes, expect)
  if (!verifySignature(expect.publicKey, { domain: expect.domain, payload, signature })) {
    throw new PlexiError('SECURITY_SIGNATURE', { what: expect.what })
  }
  return payload
}

/** The payload, NOT verified: only to find out whose key to check it with. */
export function envelopePayload(bytes: Uint8Array, limits: DecodeLimits): Uint8Array {
  return decodeAs(envelopeSchema, bytes, limits)[0]
}

const anyBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, { error: 'expected bytes' })
const envelopeSchema = z.tuple([anyBytes, bytesOf(SIGNATURE_BYTES)])

/** The zero byte ends the domain, so no domain is a prefix of another one's message. */
function message(domain: SignDomain, payload: Uint8Array): Uint8Array {
  return concat(utf8(`plexichat/v1/${domain}\0`), payload)
}

function usableKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    return publicKeyObject('ed25519', publicKey)
  } catch {
    return undefined
  }
}
