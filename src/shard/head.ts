/**
 * The head's envelope: the signed notice in clear and the sealed, padded body. Spec: docs/spec/03-stripe.md § Head envelope.
 * The body itself belongs to the backup room; here it is bytes.
 * Invariant: a sealed head is a multiple of 4 KiB and at most 256 KiB, whatever is in it.
 */
import * as z from 'zod'
import { concat, equal, uint32, utf8, view } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import type { EpochKey } from '../crypto/authority.ts'
import { bytesOf, decodeAs, encode, peerField, uintUpTo, vaultField } from '../crypto/codec.ts'
import { sha256 } from '../crypto/hash.ts'
import { publicKeyOfPeer, type PeerKey, type VaultId } from '../crypto/ids.ts'
import { BOX_OVERHEAD_BYTES, openBox, sealBox } from '../crypto/seal.ts'
import { envelopePayload, openEnvelope, signEnvelope, type SigningKey } from '../crypto/signature.ts'
import { HEAD_STEP_BYTES, MAX_HEAD_BYTES, MAX_NOTICE_BYTES } from './options.ts'

/** What hosts may know of a head: enough to refuse a lower or forked one. */
export interface HeadNotice {
  readonly v: 1
  readonly vault: VaultId
  readonly device: PeerKey
  /** From 1, one more each time. */
  readonly seq: number
  /** `sealedHash` of the device's head before this one; null for seq 1 alone. */
  readonly prev: Uint8Array | null
  /** SHA-256 of the sealed head. */
  readonly sealedHash: Uint8Array
  /** Serial of the device's certificate. */
  readonly serial: number
}

/** Longest body a head can carry. */
export const MAX_HEAD_BODY_BYTES = MAX_HEAD_BYTES - 8 - BOX_OVERHEAD_BYTES - 4

export function sealedHashOf(sealed: Uint8Array): Uint8Array {
  return sha256(sealed)
}

/** Signs a notice with the device's key. */
export function signNotice(key: SigningKey, notice: HeadNotice): Uint8Array {
  const { v, vault, device, seq, prev, sealedHash, serial } = notice
  const payload = encode({ v, vault, device, seq, prev, sealedHash, serial })
  decodeNotice(payload)
  return signEnvelope(key, 'head-notice', payload)
}

/**
 * Checks the signature by `devicePublicKey`, or else by the key the notice itself names, and decodes. Throws
 * `VALIDATION_DECODE`, `SECURITY_SIGNATURE` (also when the notice names another device than the key's).
 */
export function openNotice(bytes: Uint8Array, devicePublicKey?: Uint8Array): HeadNotice {
  const bounds = { what: 'head notice', maxBytes: MAX_NOTICE_BYTES }
  const notice = decodeNotice(envelopePayload(bytes, bounds))
  const named = publicKeyOfPeer(notice.device)
  if (devicePublicKey !== undefined && !equal(named, devicePublicKey)) {
    throw new PlexiError('SECURITY_SIGNATURE', { what: 'head notice' })
  }
  openEnvelope(bytes, { publicKey: named, domain: 'head-notice', ...bounds })
  return notice
}

/** Seals a body under the epoch's key. Throws `VALIDATION_LIMIT` when it is longer than `MAX_HEAD_BODY_BYTES`. */
export function sealHead(epoch: EpochKey, body: Uint8Array, random: Random): Uint8Array {
  if (body.length > MAX_HEAD_BODY_BYTES) {
    throw new PlexiError('VALIDATION_LIMIT', { what: 'head', limit: MAX_HEAD_BODY_BYTES, bytes: body.length })
  }
  const unpadded = MAX_HEAD_BYTES - MAX_HEAD_BODY_BYTES + body.length
  const padding = Math.ceil(unpadded / HEAD_STEP_BYTES) * HEAD_STEP_BYTES - unpadded
  const prefix = concat(MAGIC, uint32(epoch.epoch))
  const plaintext = concat(uint32(body.length), body, Buffer.alloc(padding))
  return concat(prefix, sealBox(epoch.key, { label: 'head', plaintext, aad: prefix, random }))
}

/**
 * Body of a sealed head. Throws `VALIDATION_DECODE` for anything not of the format, `SECURITY_SEALED` when the epoch's
 * key is unknown or does not fit.
 */
export function openHead(sealed: Uint8Array, epochKeyOf: (epoch: number) => Uint8Array | undefined): Uint8Array {
  if (sealed.length === 0 || sealed.length > MAX_HEAD_BYTES || sealed.length % HEAD_STEP_BYTES !== 0) {
    throw malformed('a length that is no multiple of 4 KiB up to 256 KiB')
  }
  const prefix = sealed.subarray(0, 8)
  if (!equal(prefix.subarray(0, 4), MAGIC)) throw malformed('no head')
  const key = epochKeyOf(view(prefix).readUInt32BE(4))
  if (key === undefined) throw new PlexiError('SECURITY_SEALED', { what: 'head', reason: 'no key of its epoch' })
  const plaintext = view(openBox(key, { label: 'head', box: sealed.subarray(8), aad: prefix, what: 'head' }))
  const length = plaintext.readUInt32BE(0)
  const padding = plaintext.length - 4 - length
  if (padding < 0 || padding >= HEAD_STEP_BYTES) throw malformed('a body length that does not fit its padding')
  if (plaintext.subarray(4 + length).some((byte) => byte !== 0)) throw malformed('padding is not zero')
  return plaintext.subarray(4, 4 + length)
}

const MAGIC = utf8('PXH1')

const noticeSchema: z.ZodType<HeadNotice> = z.strictObject({
  v: z.literal(1),
  vault: vaultField,
  device: peerField,
  seq: z.int().min(1),
  prev: z.nullable(bytesOf(32)),
  sealedHash: bytesOf(32),
  serial: uintUpTo(2 ** 48 - 1),
})

function decodeNotice(payload: Uint8Array): HeadNotice {
  const notice = decodeAs(noticeSchema, payload, { what: 'head notice', maxBytes: MAX_NOTICE_BYTES })
  checkChain(notice)
  return notice
}

function checkChain({ seq, prev }: HeadNotice): void {
  if ((seq === 1) !== (prev === null)) throw malformed('prev is null for the first head alone')
}

function malformed(reason: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what: 'head', reason })
}
