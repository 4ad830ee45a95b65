/**
 * Head records: signed pointers in the DHT from a vault's rendezvous key to the hosts that keep its heads
 * (docs/spec/06-dht-records.md). Pure. Invariants: every record has the same length; its DHT key is the hash of the
 * key that signs it; nothing in it links two periods or tells whose it is; an older record never replaces a newer one.
 */
import type { SelectFn } from '@libp2p/kad-dht'
import { Libp2pRecord } from '@libp2p/record'
import { multiaddr } from '@multiformats/multiaddr'
import * as z from 'zod'
import { compare, concat, equal, uint32, utf8, view, wipe } from '../../base/bytes.ts'
import { DAY, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { bytesOf, bytesUpTo, decodeAs, encode, uint, uintUpTo } from '../../crypto/codec.ts'
import { hkdf, sha256 } from '../../crypto/hash.ts'
import { peerKeyOf, publicKeyOfPeer } from '../../crypto/ids.ts'
import { openBox, sealBox } from '../../crypto/seal.ts'
import { envelopePayload, openEnvelope, signEnvelope, signingKey, type SigningKey } from '../../crypto/signature.ts'
import type { GroupHost } from '../../shard/index.ts'
import { withoutPeer } from '../addresses.ts'
import { dhtLimits, headRecordFormat as format } from '../options.ts'

/** First part of every key, and the name kad-dht picks the validator by. */
export const HEAD_NAMESPACE = 'plexihead'

/** Length of the sealed body's plaintext: room for 8 hosts, the rest is padding. */
export const BODY_BYTES = 1_536
const MAX_CLOCK_SKEW_MS = DAY
const KEY_PREFIX = utf8(`/${HEAD_NAMESPACE}/`)

/** What a record says once opened. */
export interface HeadPointer {
  /** When the owner made it, ms since 1970; pre-signed records of later periods carry the same. */
  readonly made: number
  readonly hosts: readonly GroupHost[]
}

/** One signed record and where it belongs. */
export interface HeadRecord {
  readonly period: number
  readonly slot: number
  readonly key: Uint8Array
  readonly value: Uint8Array
}

interface Place {
  readonly slot: number
  readonly period: number
}

type Payload = z.infer<typeof payloadSchema>

const payloadSchema = z.strictObject({
  v: z.literal(1),
  key: bytesOf(32),
  period: uintUpTo(2 ** 32 - 1),
  made: uint,
  body: bytesUpTo(dhtLimits.maxRecordBytes),
})

const bodySchema = z.strictObject({
  v: z.literal(1),
  hosts: z
    .array(
      z.strictObject({
        peer: bytesOf(32),
        addresses: z.array(bytesUpTo(format.maxAddressBytes)).max(format.maxAddressesPerHost),
      }),
    )
    .max(format.maxHosts),
})

export function periodAt(timeMs: number): number {
  return Math.floor(timeMs / format.periodMs)
}

/** DHT key of one period and slot: `/plexihead/ ‖ SHA-256(public key)`. */
export function headKey(rendezvous: Uint8Array, place: Place): Uint8Array {
  return recordKey(periodKey(rendezvous, place).publicKey)
}

/** Records of `periods` periods from `first` on, all slots, pointing to at most 8 hosts. */
export function makeHeadRecords(
  rendezvous: Uint8Array,
  pointer: HeadPointer & { first: number; periods: number },
  random: Random,
): HeadRecord[] {
  const plaintext = encodeBody(pointer.hosts)
  const records: HeadRecord[] = []
  for (let period = pointer.first; period < pointer.first + pointer.periods; period++) {
    for (let slot = 0; slot < format.slots; slot++) {
      const place = { slot, period }
      const key = periodKey(rendezvous, place)
      const secret = sealKey(rendezvous, place)
      const body = sealBox(secret, { label: 'head-record', plaintext, aad: key.publicKey, random })
      wipe(secret)
      const payload = encode({ v: 1, key: key.publicKey, period, made: pointer.made, body })
      records.push({ ...place, key: recordKey(key.publicKey), value: signEnvelope(key, 'dht-record', payload) })
    }
  }
  return records
}

/** Opens a record that was found under `headKey(rendezvous, place)`; throws when it is not the vault's own. */
export function openHeadRecord(rendezvous: Uint8Array, place: Place, value: Uint8Array): HeadPointer {
  const { publicKey } = periodKey(rendezvous, place)
  const payload = decodePayload(openEnvelope(value, { ...recordLimits, publicKey, domain: 'dht-record' }))
  const secret = sealKey(rendezvous, place)
  const plain = openBox(secret, { label: 'head-record', box: payload.body, aad: publicKey, what: recordLimits.what })
  wipe(secret)
  return { made: payload.made, hosts: decodeBody(plain).hosts.map(hostFromBody) }
}

/** What every node checks before it stores or believes a record: size, key, signature, period. Throws. */
export function validateHeadRecord(key: Uint8Array, value: Uint8Array, now: number): { period: number; made: number } {
  const payload = decodePayload(envelopePayload(value, recordLimits))
  if (!equal(recordKey(payload.key), key)) throw refused('it is under another key')
  const current = periodAt(now)
  if (Math.abs(payload.period - current) > 1) throw refused('its period is not now')
  if (payload.made > now + MAX_CLOCK_SKEW_MS) throw refused('it is from the future')
  openEnvelope(value, { ...recordLimits, publicKey: payload.key, domain: 'dht-record' })
  return payload
}

/** Where a record that an owner left here belongs; throws for what is no record. */
export function placeOfRecord(value: Uint8Array): { key: Uint8Array; period: number; made: number } {
  const payload = decodePayload(envelopePayload(value, recordLimits))
  return { key: recordKey(payload.key), period: payload.period, made: payload.made }
}

/** Index of the newest of several valid records for one key; the same for everybody who has the same ones. */
export function selectHeadRecord(values: readonly Uint8Array[]): number {
  let best = 0
  for (let i = 1; i < values.length; i++) {
    if (order(values[i] as Uint8Array, values[best] as Uint8Array) > 0) best = i
  }
  return best
}

/** Whether the DHT's stored form `value` may replace `stored`: same or newer. Unreadable ones never win. */
export function mayReplaceStored(stored: Uint8Array, value: Uint8Array): boolean {
  try {
    return order(Libp2pRecord.deserialize(value).value, Libp2pRecord.deserialize(stored).value) >= 0
  } catch {
    return false
  }
}

/** The rules as kad-dht takes them. */
export function headRecordRules(
  clock: Pick<Clock, 'now'>,
): Record<string, { validate: (key: Uint8Array, value: Uint8Array) => void; select: SelectFn }> {
  const validate = (key: Uint8Array, value: Uint8Array): void => void validateHeadRecord(key, value, clock.now())
  return { [HEAD_NAMESPACE]: { validate, select: (_key, values) => selectHeadRecord(values) } }
}

const recordLimits = { what: 'a head record', maxBytes: dhtLimits.maxRecordBytes }

function periodKey(rendezvous: Uint8Array, place: Place): SigningKey {
  const seed = hkdf(rendezvous, { info: label('head', place), bytes: 32 })
  const key = signingKey(seed)
  wipe(seed)
  return key
}

function sealKey(rendezvous: Uint8Array, place: Place): Uint8Array {
  return hkdf(rendezvous, { info: label('head-seal', place), bytes: 32 })
}

/** text ‖ slot(1) ‖ period(4) */
function label(text: string, place: Place): Uint8Array {
  return concat(utf8(text), Uint8Array.of(place.slot), uint32(place.period))
}

function recordKey(publicKey: Uint8Array): Uint8Array {
  return concat(KEY_PREFIX, sha256(publicKey))
}

function decodePayload(bytes: Uint8Array): Payload {
  return decodeAs(payloadSchema, bytes, recordLimits)
}

/** −1, 0, 1 by time made, then by bytes. */
function order(a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [madeOf(a), madeOf(b)]
  return left === right ? compare(a, b) : left < right ? -1 : 1
}

function madeOf(value: Uint8Array): number {
  return decodePayload(envelopePayload(value, recordLimits)).made
}

/** length(2) ‖ canonical CBOR ‖ zeros, `BODY_BYTES` long; addresses that do not fit are left out, the last ones first. */
function encodeBody(hosts: readonly GroupHost[]): Uint8Array {
  const entries = hosts.slice(0, format.maxHosts).map((host) => ({
    peer: publicKeyOfPeer(host.peer),
    addresses: host.addresses
      .map((address) => multiaddr(withoutPeer(address)).bytes)
      .filter((bytes) => bytes.length <= format.maxAddressBytes)
      .slice(0, format.maxAddressesPerHost),
  }))
  let body = encode({ v: 1, hosts: entries })
  while (body.length > BODY_BYTES - 2) {
    entries.reduce((a, b) => (b.addresses.length >= a.addresses.length ? b : a)).addresses.pop()
    body = encode({ v: 1, hosts: entries })
  }
  const padded = Buffer.alloc(BODY_BYTES)
  padded.writeUInt16BE(body.length)
  padded.set(body, 2)
  return padded
}

function decodeBody(plain: Uint8Array): z.infer<typeof bodySchema> {
  const length = plain.length === BODY_BYTES ? view(plain).readUInt16BE(0) : BODY_BYTES
  if (length > BODY_BYTES - 2) throw refused('its body has another length')
  if (plain.subarray(2 + length).some((byte) => byte !== 0)) throw refused('its padding is not zero')
  return decodeAs(bodySchema, plain.subarray(2, 2 + length), { what: recordLimits.what, maxBytes: BODY_BYTES })
}

function hostFromBody(entry: { peer: Uint8Array; addresses: Uint8Array[] }): GroupHost {
  return { peer: peerKeyOf(entry.peer), addresses: entry.addresses.flatMap(addressText) }
}

/** A host's odd address must not cost the others. */
function addressText(bytes: Uint8Array): string[] {
  try {
    return [multiaddr(bytes).toString()]
  } catch {
    return []
  }
}

function refused(reason: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what: recordLimits.what, reason })
}
