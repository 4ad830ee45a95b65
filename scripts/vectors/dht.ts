/** Vectors of docs/spec/06-dht-records.md: head records of the DHT, invite and device codes. */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base64urlnopad } from '@scure/base'
import { box, envelope, flipped, keyOf, keys, publicKey, seed, stream, u16, u32 } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import type { Json, Vector } from './vector.ts'

export function dhtVectors(): readonly Vector[] {
  return [
    ...periods(),
    ...keysOfRecords(),
    ...openings(),
    ...validations(),
    ...selections(),
    ...invites(),
    ...deviceCodes(),
  ]
}

const PERIOD_MS = 30 * 86_400_000
const rendezvous = keyOf('rendezvous')

interface Place {
  readonly slot: number
  readonly period: number
}

const derive = (label: string, { slot, period }: Place): Uint8Array =>
  hkdf(sha256, rendezvous, undefined, concat(utf8(label), Uint8Array.of(slot), u32(period)), 32)

const keySeed = (place: Place): Uint8Array => derive('head', place)
const dhtKey = (place: Place): Uint8Array => concat(utf8('/plexihead/'), open.H(publicKey(keySeed(place))))

function periods(): Vector[] {
  return [0, PERIOD_MS - 1, PERIOD_MS, 1_767_225_600_000].map((time) => ({
    name: `period at ${time}`,
    spec: '06§Periods',
    input: { kind: 'period', time },
    expect: Math.floor(time / PERIOD_MS),
    why: '30 days each, counted from 1970',
  }))
}

const place: Place = { slot: 2, period: 681 }
const now = 681 * PERIOD_MS + 5

function keysOfRecords(): Vector[] {
  return [place, { slot: 3, period: 681 }, { slot: 2, period: 682 }].map((at) => ({
    name: `DHT key of slot ${at.slot} in period ${at.period}`,
    spec: '06§Keys',
    input: { kind: 'head-key', rendezvous: hex(rendezvous), ...at },
    expect: hex(dhtKey(at)),
    why: 'nothing links two slots or periods but the rendezvous key',
  }))
}

/** /ip4/a.b.c.d/tcp/port in binary. */
function multiaddr(ip: readonly number[], port: number): Uint8Array {
  return concat(Uint8Array.of(4, ...ip, 6), u16(port))
}

const hosts = [1, 2].map((i) => ({ peer: publicKey(seed(`host ${i}`)), addresses: [multiaddr([10, 0, 0, i], 7421)] }))
const made = now - 1000

interface Made {
  readonly content?: unknown
  readonly plain?: Uint8Array
  readonly payload?: Readonly<Record<string, unknown>>
  readonly signer?: Uint8Array
  readonly domain?: string
  readonly at?: Place
}

/** length(2) ‖ CBOR ‖ zeros, 1,536 bytes. */
function plainBody(content: unknown): Uint8Array {
  const body = open.encode(content)
  return concat(u16(body.length), body, new Uint8Array(1534 - body.length))
}

function record({ content = { v: 1, hosts }, at = place, ...made_ }: Made = {}): Uint8Array {
  const signer = made_.signer ?? keySeed(at)
  const key = publicKey(keySeed(at))
  const plaintext = made_.plain ?? plainBody(content)
  const body = box(derive('head-seal', at), { label: 'head-record', salt: seed('record salt'), plaintext, aad: key })
  const payload = { v: 1, key, period: at.period, made, body, ...made_.payload }
  return envelope(signer, made_.domain ?? 'dht-record', open.encode(payload))
}

function openings(): Vector[] {
  const vector = (name: string, value: Uint8Array, [expect, why]: [Json, string]): Vector => ({
    name: `head record ${name}`,
    spec: '06§Record',
    input: { kind: 'record', rendezvous: hex(rendezvous), ...place, value: hex(value) },
    expect,
    why,
  })
  const bad = (name: string, value: Uint8Array, [error, why]: [string, string]): Vector =>
    vector(name, value, [{ error }, why])
  const listed = hosts.map(({ peer }, i) => ({
    peer: open.peerIdOf(peer),
    addresses: [`/ip4/10.0.0.${i + 1}/tcp/7421`],
  }))
  const dirty = plainBody({ v: 1, hosts })
  dirty[1535] = 1
  const nine = Array.from({ length: 9 }, () => ({ ...hosts[0], addresses: [] }))
  return [
    vector('opens', record(), [{ made, hosts: listed }, 'where the heads are']),
    vector('of no hosts', record({ content: { v: 1, hosts: [] } }), [{ made, hosts: [] }, 'allowed, if useless']),
    bad('of another slot', record({ at: { slot: 1, period: 681 } }), ['SECURITY_SIGNATURE', 'another key signed']),
    bad('signed as something else', record({ domain: 'offer' }), ['SECURITY_SIGNATURE', 'domains are apart']),
    bad('with a bit changed', flipped(record(), 200), ['SECURITY_SIGNATURE', 'the payload is signed']),
    bad('of version 2', record({ payload: { v: 2 } }), ['VALIDATION_DECODE', 'unknown versions fail closed']),
    bad('with a body that is no box', record({ payload: { body: new Uint8Array(100) } }), [
      'SECURITY_SEALED',
      'sealed to the vault',
    ]),
    bad('with a body of another length', record({ plain: new Uint8Array(1535) }), [
      'VALIDATION_DECODE',
      'all records are equally long',
    ]),
    bad('with padding that is not zero', record({ plain: dirty }), ['VALIDATION_DECODE', 'one encoding']),
    bad('with a body longer than it is', record({ plain: concat(u16(1535), dirty.subarray(2)) }), [
      'VALIDATION_DECODE',
      'the length lies inside',
    ]),
    bad('of nine hosts', record({ content: { v: 1, hosts: nine } }), ['VALIDATION_DECODE', 'at most 8']),
    bad('with extra field', record({ payload: { extra: 0 } }), ['VALIDATION_DECODE', 'fields are exact']),
  ]
}

function validations(): Vector[] {
  const vector = (
    name: string,
    [key, value, at]: [Uint8Array, Uint8Array, number],
    [expect, why]: [Json, string],
  ): Vector => ({
    name: `validation ${name}`,
    spec: '06§Validation',
    input: { kind: 'validate', key: hex(key), value: hex(value), now: at },
    expect,
    why,
  })
  const value = record()
  const good = { period: place.period, made }
  const other = { slot: 0, period: 681 }
  const bad = (error: string, why: string): [Json, string] => [{ error }, why]
  return [
    vector('now', [dhtKey(place), value, now], [good, 'size, key, signature, period']),
    vector(
      'in the period before',
      [dhtKey(place), value, now - PERIOD_MS],
      [{ error: 'VALIDATION_DECODE' }, 'made more than a day after now'],
    ),
    vector('in the period after', [dhtKey(place), value, now + PERIOD_MS], [good, 'one period of grace']),
    vector('two periods later', [dhtKey(place), value, now + 2 * PERIOD_MS], bad('VALIDATION_DECODE', 'too old')),
    vector(
      'under another key',
      [dhtKey(other), value, now],
      bad('VALIDATION_DECODE', 'the DHT key is the hash of the signing key'),
    ),
    vector(
      'by another key',
      [dhtKey(place), record({ signer: keySeed(other) }), now],
      bad('SECURITY_SIGNATURE', 'not signed by the key inside'),
    ),
    vector(
      'from the future',
      [dhtKey(place), record({ payload: { made: now + 86_400_001 } }), now],
      bad('VALIDATION_DECODE', 'at most a day ahead'),
    ),
    vector(
      'over 2 KiB',
      [dhtKey(place), record({ payload: { body: new Uint8Array(2048) } }), now],
      bad('VALIDATION_LIMIT', 'checked before it is decoded'),
    ),
    vector('of garbage', [dhtKey(place), utf8('garbage'), now], bad('VALIDATION_DECODE', 'not a record')),
  ]
}

function selections(): Vector[] {
  const older = record({ payload: { made: made - 5 } })
  const newer = record()
  const twin = record({ content: { v: 1, hosts: hosts.slice(1) } })
  const larger = Buffer.compare(newer, twin) > 0 ? 0 : 1
  const vector = (name: string, values: readonly Uint8Array[], [expect, why]: [number, string]): Vector => ({
    name: `selection ${name}`,
    spec: '06§Selection',
    input: { kind: 'select', values: values.map(hex) },
    expect,
    why,
  })
  return [
    vector('of one', [newer], [0, 'no choice']),
    vector('of older and newer', [older, newer], [1, 'the one made later']),
    vector('of newer and older', [newer, older], [0, 'the one made later']),
    vector('of two made at once', [newer, twin], [larger, 'the larger bytes, so that all agree']),
    vector('of two made at once, turned', [twin, newer], [1 - larger, 'the larger bytes, so that all agree']),
  ]
}

const invite = {
  circle: 'main',
  key: null as Uint8Array | null,
  addresses: [`/ip4/10.0.0.1/tcp/7421/p2p/${open.peerIdOf(publicKey(seed('host 1')))}`],
  vault: keys.vault,
  token: stream('token', 16),
}

/** `plexi1` ‖ base64url(CBOR ‖ first 4 bytes of its SHA-256). */
function inviteCode(change: Readonly<Record<string, unknown>> = {}, prefix = 'plexi1'): string {
  const body = open.encode({ ...invite, ...change })
  return `${prefix}${base64urlnopad.encode(concat(body, open.H(body).subarray(0, 4)))}`
}

function invites(): Vector[] {
  const vector = (name: string, code: string, [expect, why]: [Json, string]): Vector => {
    return { name: `invite ${name}`, spec: '06§Invites', input: { kind: 'invite', code }, expect, why }
  }
  const plain = {
    circle: 'main',
    key: null,
    addresses: invite.addresses,
    vault: hex(keys.vault),
    token: hex(invite.token),
  }
  const bad = (name: string, code: string, why: string): Vector =>
    vector(name, code, [{ error: 'SECURITY_INVITE' }, why])
  const code = inviteCode()
  const typo = code.slice(0, 20) + (code[20] === 'A' ? 'B' : 'A') + code.slice(21)
  return [
    vector('into the main circle', code, [plain, 'circle, addresses, vault, token']),
    vector('into a private circle', inviteCode({ key: seed('circle') }), [
      { ...plain, key: hex(seed('circle')) },
      'with its key',
    ]),
    vector('between spaces', `  ${code}\n`, [plain, 'white space around it is forgiven']),
    bad('without its last character', code.slice(0, -1), 'not copied completely'),
    bad('with a typing error', typo, 'the checksum differs'),
    bad('of something else', 'https://example.org', 'not an invite'),
    bad('of nothing', '', 'not an invite'),
    bad('with a short token', inviteCode({ token: stream('token', 15) }), 'tokens are 16 bytes'),
    bad('with extra field', inviteCode({ extra: 0 }), 'fields are exact'),
    bad(
      'with nine addresses',
      inviteCode({ addresses: Array.from({ length: 9 }, () => invite.addresses[0]) }),
      'at most 8',
    ),
  ]
}

/** An invite with another beginning. */
function deviceCodes(): Vector[] {
  const vector = (name: string, code: string, [expect, why]: [Json, string]): Vector => {
    return { name: `device code ${name}`, spec: '06§Device codes', input: { kind: 'device-code', code }, expect, why }
  }
  const { addresses, vault, token } = invite
  const plain = { circle: 'main', key: null, addresses, vault: hex(vault), token: hex(token) }
  const code = inviteCode({}, 'plexidev1')
  const bad = { error: 'SECURITY_DEVICE_CODE' }
  return [
    vector('into the main circle', code, [plain, 'the same fields as an invite']),
    vector('that is an invite', inviteCode(), [bad, 'an invite makes nobody a device']),
    vector('without its last character', code.slice(0, -1), [bad, 'not copied completely']),
    vector('with a short secret', inviteCode({ token: stream('token', 15) }, 'plexidev1'), [
      bad,
      'secrets are 16 bytes',
    ]),
  ]
}
