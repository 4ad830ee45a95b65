/**
 * Every message of the storage protocols as a schema; canonical CBOR, unknown fields refused. Byte strings that are
 * signed travel as they were signed. Spec: docs/spec/05-storage-protocol.md § Messages
 */
import * as z from 'zod'
import { PlexiError } from '../../base/errors.ts'
import {
  bytesOf,
  bytesUpTo,
  decode,
  encode,
  parseAs,
  peerField,
  type Plain,
  textUpTo,
  uint,
  uintUpTo,
  vaultField,
} from '../../crypto/codec.ts'
import { CODE_ID_BYTES, PROOF_BYTES } from '../../crypto/device-code.ts'
import {
  MAX_AUTHORITY_BYTES,
  MAX_CERTIFICATE_BYTES,
  MAX_NAME_BYTES,
  MAX_TERMS_BYTES,
  MAX_WELCOME_BYTES,
} from '../../crypto/options.ts'
import { MAX_HEAD_BYTES, MAX_NOTICE_BYTES, MAX_STRIPE_SHARDS, SHARD_BYTES, type ShardId } from '../../shard/index.ts'
import { MAX_RECORD_BYTES, MAX_RECORDS } from '../host/index.ts'
import { MAX_DETAIL_TEXT, type WireError } from './errors.ts'
import {
  MAX_ADDRESS_BYTES,
  MAX_ADDRESSES,
  MAX_ANSWER_BYTES,
  MAX_FORKS,
  MAX_HEADS,
  MAX_IDS,
  MAX_PREFIX_BYTES,
  MAX_REQUEST_BYTES,
  MAX_STAMP_BYTES,
  MAX_TOKEN_BYTES,
  MAX_VERSION_BYTES,
  MESSAGE_VERSION,
} from './options.ts'

const v = z.literal(MESSAGE_VERSION)
const shardIdField = bytesOf(32) as z.ZodType<ShardId>
const certificate = bytesUpTo(MAX_CERTIFICATE_BYTES)
const signedOrder = bytesUpTo(MAX_REQUEST_BYTES)
const stamp = bytesUpTo(MAX_STAMP_BYTES).nullable()
const idList = z.array(shardIdField).min(1).max(MAX_IDS)
const addresses = z.array(textUpTo(MAX_ADDRESS_BYTES)).max(MAX_ADDRESSES)
/** In every request to a host: who asks, and whether a frame with the vault's terms follows. */
const caller = { v, certificate, terms: z.boolean() }

const requests = {
  put: z.strictObject({
    ...caller,
    verb: z.literal('put'),
    shardId: shardIdField,
    /** Signed by the device, domain `manifest`: the stripe this shard belongs to. */
    manifest: signedOrder,
    index: uintUpTo(MAX_STRIPE_SHARDS - 1),
    stamp,
  }),
  get: z.strictObject({ ...caller, verb: z.literal('get'), shardId: shardIdField }),
  has: z.strictObject({ ...caller, verb: z.literal('has'), shardIds: idList }),
  release: z.strictObject({ ...caller, verb: z.literal('release'), order: signedOrder }),
  'restore-released': z.strictObject({ ...caller, verb: z.literal('restore-released'), order: signedOrder }),
  renew: z.strictObject({ ...caller, verb: z.literal('renew'), order: signedOrder }),
  'put-head': z.strictObject({
    ...caller,
    verb: z.literal('put-head'),
    notice: bytesUpTo(MAX_NOTICE_BYTES),
    authorityBytes: uintUpTo(MAX_AUTHORITY_BYTES).refine((bytes) => bytes > 0),
    sealedBytes: uintUpTo(MAX_HEAD_BYTES).refine((bytes) => bytes > 0),
    /** SHA-256 of authority and records as they follow; the notice names the sealed head's. */
    restHash: bytesOf(32),
    /** Lengths of the pre-signed DHT records. */
    records: z.array(uintUpTo(MAX_RECORD_BYTES).refine((bytes) => bytes > 0)).max(MAX_RECORDS),
    stamp,
  }),
  'get-head': z.strictObject({ ...caller, verb: z.literal('get-head') }),
} as const

export type ShardVerb = keyof typeof requests
export type ShardRequest<V extends ShardVerb = ShardVerb> = z.infer<(typeof requests)[V]>

/** What a device signs (domain `release`) to release shards or to undo it. */
export const releaseOrder = z.strictObject({
  v,
  verb: z.enum(['release', 'restore-released']),
  vault: vaultField,
  host: peerField,
  shardIds: idList,
  time: uint,
})
export type ReleaseOrder = z.infer<typeof releaseOrder>

/** What a device signs (domain `renew`). */
export const renewOrder = z.strictObject({
  v,
  vault: vaultField,
  host: peerField,
  prefix: bytesUpTo(MAX_PREFIX_BYTES),
  upTo: uint,
  count: uint,
  root: bytesOf(32),
  time: uint,
})
export type RenewOrder = z.infer<typeof renewOrder>

/** What a host signs (domain `receipt`) once a shard is durable. */
export const receiptPayload = z.strictObject({
  v,
  shardId: shardIdField,
  vault: vaultField,
  host: peerField,
  number: uint,
  bytes: uint,
  time: uint,
})

/** What a host signs (domain `offer`). */
export const offerPayload = z.strictObject({
  v,
  peer: peerField,
  vault: vaultField,
  certificate,
  time: uint,
  /** Bytes lent to all, and what is left of it for the one who asked. */
  capacity: uint,
  free: uint,
  state: z.enum(['open', 'full', 'paused', 'draining']),
  leaseDays: uint,
  /** Most that a stranger with a stamp may store. */
  strangerBytes: uint,
  /** Whether this host needs no stamp from the one who asked. */
  vouched: z.boolean(),
  stamp,
  version: textUpTo(MAX_VERSION_BYTES),
  minimumVersion: textUpTo(MAX_VERSION_BYTES),
})
export type Offer = z.infer<typeof offerPayload>

export const offerRequest = z.strictObject({ v, verb: z.literal('get'), certificate: certificate.nullable() })

export const joinRequest = z.strictObject({
  v,
  verb: z.literal('join'),
  token: bytesUpTo(MAX_TOKEN_BYTES),
  certificate,
  name: textUpTo(MAX_NAME_BYTES),
  addresses,
})

export const deviceRequest = z.strictObject({
  v,
  verb: z.literal('ask'),
  /** Which code, and the proof that it is known: the code's secret itself never travels. */
  code: bytesOf(CODE_ID_BYTES),
  proof: bytesOf(PROOF_BYTES),
  dh: bytesOf(32),
  name: textUpTo(MAX_NAME_BYTES),
})

const ok = { ok: z.literal(true) }
const releaseState = z.enum(['held', 'released', 'missing'])

/** Answers, by what they answer; a refusal may come instead of any of them. */
export const answers = {
  put: z.discriminatedUnion('go', [
    z.strictObject({ ...ok, go: z.literal(true) }),
    z.strictObject({ ...ok, go: z.literal(false), receipt: bytesUpTo(MAX_REQUEST_BYTES) }),
  ]),
  stored: z.strictObject({ ...ok, receipt: bytesUpTo(MAX_REQUEST_BYTES) }),
  get: z.strictObject({ ...ok, bytes: z.literal(SHARD_BYTES) }),
  has: z.strictObject({
    ...ok,
    shards: z
      .array(z.strictObject({ state: releaseState, leaseUntil: uint.nullable(), effectiveAt: uint.nullable() }))
      .max(MAX_IDS),
  }),
  release: z.strictObject({ ...ok, effectiveAt: z.array(uint.nullable()).max(MAX_IDS) }),
  'restore-released': z.strictObject({ ...ok, kept: z.array(z.boolean()).max(MAX_IDS) }),
  renew: z.strictObject({ ...ok, matched: z.boolean(), count: uint, root: bytesOf(32), until: uint.nullable() }),
  'put-head': z.strictObject({ ...ok, go: z.boolean() }),
  'head-stored': z.strictObject({ ...ok, stored: z.literal(true) }),
  'get-head': z.strictObject({ ...ok, heads: uintUpTo(MAX_HEADS), termsBytes: uintUpTo(MAX_TERMS_BYTES) }),
  'one-head': z.strictObject({
    ...ok,
    notice: bytesUpTo(MAX_NOTICE_BYTES),
    authorityBytes: uintUpTo(MAX_AUTHORITY_BYTES),
    sealedBytes: uintUpTo(MAX_HEAD_BYTES),
    storedAt: uint,
    forks: z.array(bytesUpTo(MAX_NOTICE_BYTES)).max(MAX_FORKS),
  }),
  offer: z.strictObject({ ...ok, offer: bytesUpTo(MAX_REQUEST_BYTES) }),
  join: z.strictObject({ ...ok, certificate, name: textUpTo(MAX_NAME_BYTES), addresses }),
  device: z.discriminatedUnion('ready', [
    z.strictObject({ ...ok, ready: z.literal(false) }),
    z.strictObject({
      ...ok,
      ready: z.literal(true),
      welcome: bytesUpTo(MAX_WELCOME_BYTES),
      authorityBytes: uintUpTo(MAX_AUTHORITY_BYTES),
      termsBytes: uintUpTo(MAX_TERMS_BYTES),
    }),
  ]),
} as const
export type AnswerKind = keyof typeof answers
export type Answer<K extends AnswerKind> = z.infer<(typeof answers)[K]>

const refusal = z.strictObject({
  ok: z.literal(false),
  code: textUpTo(64),
  details: z
    .record(textUpTo(32), z.union([textUpTo(4 * MAX_DETAIL_TEXT), z.int()]))
    .refine((details) => Object.keys(details).length <= 8),
})

/** Strict decoding of a first message of the shard protocol. Throws `VALIDATION_DECODE`, `VALIDATION_VERSION`. */
export function decodeShardRequest(payload: Uint8Array): ShardRequest {
  const plain = decodeVersioned(payload, 'shard request')
  const verb = plain['verb']
  if (typeof verb !== 'string' || !Object.hasOwn(requests, verb))
    throw new PlexiError('VALIDATION_DECODE', { what: 'shard request', reason: 'unknown verb' })
  return parseAs<ShardRequest>(requests[verb as ShardVerb], plain, `${verb} request`)
}

/** Strict decoding of the one message of another protocol. */
export function decodeRequest<T>(schema: z.ZodType<T>, payload: Uint8Array, what: string): T {
  return parseAs(schema, decodeVersioned(payload, what), what)
}

/** An answer of the kind that is due, or the refusal that came instead. Throws `VALIDATION_DECODE`. */
export function decodeAnswer<K extends AnswerKind>(
  kind: K,
  payload: Uint8Array,
): { answer: Answer<K> } | { refused: { code: string; details: WireError['details'] } } {
  const what = `${kind} answer`
  const plain = decode(payload, { what, maxBytes: MAX_ANSWER_BYTES })
  if (isMap(plain) && plain['ok'] === false) return { refused: parseAs(refusal, plain, what) }
  return { answer: parseAs(answers[kind] as unknown as z.ZodType<Answer<K>>, plain, what) }
}

export function encodeRefusal({ code, details }: WireError): Uint8Array {
  return encode({ ok: false, code, details })
}

export function encodeMessage(message: object): Uint8Array {
  return encode(message as Plain)
}

function decodeVersioned(payload: Uint8Array, what: string): Readonly<Record<string, Plain>> {
  const plain = decode(payload, { what, maxBytes: MAX_REQUEST_BYTES })
  if (!isMap(plain)) throw new PlexiError('VALIDATION_DECODE', { what, reason: 'not a map' })
  const version = plain['v']
  if (typeof version === 'number' && version !== MESSAGE_VERSION) {
    throw new PlexiError('VALIDATION_VERSION', { what, version })
  }
  return plain
}

function isMap(plain: Plain): plain is Readonly<Record<string, Plain>> {
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain) && !(plain instanceof Uint8Array)
}
