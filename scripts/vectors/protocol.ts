/** Vectors of docs/spec/05-storage-protocol.md: frames, requests, answers, and what hosts and devices sign. */
import { certificateOfDevice, deviceSeed } from './keys-signing.ts'
import { envelope, flipped, keys, publicKey, seed, stream } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import { answerVectors } from './protocol-answers.ts'
import { signedNotice } from './stripe.ts'
import { toJson, type Json, type Vector } from './vector.ts'

export function protocolVectors(): readonly Vector[] {
  return [...frames(), ...requests(), ...answerVectors(), ...receipts(), ...orders(), ...offers()]
}

const ids = [0, 1].map((i) => seed(`shard ${i}`))
const hostSeed = seed('host 1')
const host = open.peerIdOf(publicKey(hostSeed))
const device = open.peerIdOf(publicKey(deviceSeed))

/** Unsigned varint, least significant bits first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) + 128)
    if (rest < 128) return Uint8Array.from(bytes)
  }
}

function frames(): Vector[] {
  const vector = (name: string, bytes: Uint8Array, [expect, why]: [Json, string]): Vector => {
    return {
      name: `frame ${name}`,
      spec: '05§Frame',
      input: { kind: 'frame', limit: 4096, bytes: hex(bytes) },
      expect,
      why,
    }
  }
  const good = (length: number): Vector => {
    const payload = stream('payload', length)
    const expect = { payload: hex(payload), rest: hex(utf8('rest')) }
    return vector(`of ${length} bytes`, concat(varint(length), payload, utf8('rest')), [
      expect,
      'what follows stays on the stream',
    ])
  }
  const bad = (name: string, bytes: readonly number[], [error, why]: [string, string]): Vector =>
    vector(name, Uint8Array.from(bytes), [{ error }, why])
  return [
    good(1),
    good(127),
    good(128),
    good(4096),
    bad('of nothing', [0], ['VALIDATION_DECODE', 'payloads are not empty']),
    bad('with padded length', [0x81, 0x00, 0x61], ['VALIDATION_DECODE', 'as few bytes as needed']),
    bad('with zero in two bytes', [0x80, 0x00], ['VALIDATION_DECODE', 'as few bytes as needed']),
    bad('of 4,097 bytes', [0x81, 0x20], ['VALIDATION_LIMIT', 'refused before anything more is read']),
    bad('of 256 MiB less one', [0xff, 0xff, 0xff, 0x7f], ['VALIDATION_LIMIT', 'refused before anything is allocated']),
    bad('with a prefix of five bytes', [0x80, 0x80, 0x80, 0x80, 0x01], ['VALIDATION_LIMIT', 'over every limit']),
    bad('that ends inside its length', [0x80], ['NETWORK_PROTOCOL', 'the stream ended']),
    bad('that ends inside its payload', [0x05, 0x61], ['NETWORK_PROTOCOL', 'the stream ended']),
  ]
}

const caller = { v: 1, certificate: certificateOfDevice, terms: false }
const manifest = envelope(
  deviceSeed,
  'manifest',
  open.encode({ k: 1, n: 1, ids: [ids[0]], group: stream('group', 16) }),
)
const notice = signedNotice()
const put = { ...caller, verb: 'put', shardId: ids[0], manifest, index: 0, stamp: null }
const has = { ...caller, verb: 'has', shardIds: ids }
const putHead = {
  ...caller,
  verb: 'put-head',
  terms: true,
  notice,
  authorityBytes: 900,
  sealedBytes: 4096,
  restHash: seed('rest'),
  records: [200, 300],
  stamp: stream('stamp', 40),
}

function requests(): Vector[] {
  const good = (value: Readonly<Record<string, unknown>>): Vector => ({
    name: `request ${String(value['verb'])}`,
    spec: '05§Messages',
    input: { kind: 'request', cbor: hex(open.encode(value)) },
    expect: toJson(value),
    why: 'every field has its type',
  })
  const bad = (name: string, value: unknown, [error, why]: [string, string]): Vector => ({
    name: `request ${name}`,
    spec: '05§Messages',
    input: { kind: 'request', cbor: hex(open.encode(value)) },
    expect: { error },
    why,
  })
  const malformed = (name: string, value: unknown, why: string): Vector => bad(name, value, ['VALIDATION_DECODE', why])
  const order = { ...caller, order: stream('an order', 200) }
  const { stamp: _, ...stampless } = put
  return [
    ...[put, { ...caller, verb: 'get', shardId: ids[0] }, has, putHead, { ...caller, verb: 'get-head' }].map(good),
    ...['release', 'restore-released', 'renew'].map((verb) => good({ ...order, verb })),
    bad('of version 2', { ...put, v: 2 }, ['VALIDATION_VERSION', 'unknown versions fail closed']),
    malformed('without version', { ...stampless, v: null }, 'every request has its version'),
    malformed('with unknown verb', { ...put, verb: 'delete' }, 'verbs are a closed list'),
    malformed('with a verb of objects', { ...put, verb: 'constructor' }, 'verbs are a closed list'),
    malformed('without stamp', stampless, 'null where there is none'),
    malformed('with extra field', { ...put, extra: 0 }, 'fields are exact'),
    malformed('with a field of another verb', { ...put, shardIds: ids }, 'fields are exact'),
    malformed('with short shard id', { ...put, shardId: new Uint8Array(31) }, 'ids are 32 bytes'),
    malformed('with index 64', { ...put, index: 64 }, 'a stripe has at most 64 shards'),
    malformed('with terms as number', { ...put, terms: 1 }, 'true or false'),
    malformed('with certificate over 1 KiB', { ...put, certificate: new Uint8Array(1025) }, 'bounded'),
    malformed('with stamp over 256 bytes', { ...put, stamp: new Uint8Array(257) }, 'bounded'),
    malformed('for no shards', { ...has, shardIds: [] }, 'at least one'),
    malformed('for 65 shards', { ...has, shardIds: Array.from({ length: 65 }, () => ids[0]) }, 'at most 64'),
    malformed('with empty authority', { ...putHead, authorityBytes: 0 }, 'there always is one'),
    malformed('with authority over 256 KiB', { ...putHead, authorityBytes: 262_145 }, 'bounded'),
    malformed('with sealed head over 256 KiB', { ...putHead, sealedBytes: 266_240 }, 'bounded'),
    malformed('with empty record', { ...putHead, records: [0] }, 'records are not empty'),
    malformed('with record over 2 KiB', { ...putHead, records: [2049] }, 'bounded'),
    malformed('with 65 records', { ...putHead, records: Array.from({ length: 65 }, () => 1) }, 'at most 64'),
    malformed('that is no map', [1], 'a map'),
    bad('over 4 KiB', new Uint8Array(4097), ['VALIDATION_LIMIT', 'checked before it is decoded']),
  ]
}

const receipt = {
  v: 1,
  shardId: ids[0],
  vault: keys.vault,
  host,
  number: 17,
  bytes: 1_048_576,
  time: 1_767_225_600_000,
}

function receipts(): Vector[] {
  const expected = { host, vault: hex(keys.vault), shardId: hex(ids[0] ?? seed('')) }
  const vector = (name: string, bytes: Uint8Array, [expect, why]: [Json, string]): Vector => ({
    name: `receipt${name}`,
    spec: '05§Receipt',
    input: { kind: 'receipt', bytes: hex(bytes), ...expected },
    expect,
    why,
  })
  const signed = (change: Readonly<Record<string, unknown>> = {}, signer = hostSeed): Uint8Array =>
    envelope(signer, 'receipt', open.encode({ ...receipt, ...change }))
  return [
    vector('', signed(), [
      { number: 17, bytes: 1_048_576, time: receipt.time },
      'the host says that it stored the shard',
    ]),
    vector(' by another host', signed({}, seed('host 2')), [{ error: 'SECURITY_SIGNATURE' }, 'somebody else signed']),
    vector(' signed as something else', envelope(hostSeed, 'offer', open.encode(receipt)), [
      { error: 'SECURITY_SIGNATURE' },
      'domains are apart',
    ]),
    vector(' with a bit changed', flipped(signed(), 60), [{ error: 'SECURITY_SIGNATURE' }, 'the payload is signed']),
    vector(' for another shard', signed({ shardId: ids[1] }), [
      { error: 'NETWORK_PROTOCOL' },
      'an answer to something else',
    ]),
    vector(' for another vault', signed({ vault: seed('vault') }), [
      { error: 'NETWORK_PROTOCOL' },
      'an answer to something else',
    ]),
    vector(' of another host’s name', signed({ host: device }), [
      { error: 'NETWORK_PROTOCOL' },
      'an answer to something else',
    ]),
    vector(' with extra field', signed({ extra: 0 }), [{ error: 'VALIDATION_DECODE' }, 'fields are exact']),
    vector(' of version 2', signed({ v: 2 }), [{ error: 'VALIDATION_DECODE' }, 'unknown versions fail closed']),
  ]
}

const parties = { vault: hex(keys.vault), device, host }
const release = { v: 1, vault: keys.vault, host, verb: 'release', shardIds: ids, time: 1_767_225_600_000 }
const renew = {
  v: 1,
  vault: keys.vault,
  host,
  prefix: Uint8Array.of(0x0f),
  upTo: 900,
  count: 2,
  root: seed('root'),
  time: 1_767_225_600_000,
}

function orders(): Vector[] {
  const vector = (name: string, [verb, bytes]: [string, Uint8Array], [expect, why]: [Json, string]): Vector => ({
    name: `order ${name}`,
    spec: '05§Orders',
    input: { kind: 'order', verb, ...parties, bytes: hex(bytes) },
    expect,
    why,
  })
  const signed = (
    verb: string,
    change: Readonly<Record<string, unknown>> = {},
    signer = deviceSeed,
  ): [string, Uint8Array] => {
    const value = verb === 'renew' ? renew : { ...release, verb }
    return [verb, envelope(signer, verb === 'renew' ? 'renew' : 'release', open.encode({ ...value, ...change }))]
  }
  const bad = (name: string, made: [string, Uint8Array], [error, why]: [string, string]): Vector =>
    vector(name, made, [{ error }, why])
  const shardIds = ids.map(hex)
  return [
    vector('release', signed('release'), [{ shardIds, time: release.time }, 'what the device asks for in writing']),
    vector('restore-released', signed('restore-released'), [{ shardIds, time: release.time }, 'and how it is undone']),
    vector('renew', signed('renew'), [
      { prefix: '0f', upTo: 900, count: 2, root: hex(renew.root), time: renew.time },
      'leases in one message',
    ]),
    bad('by another device', signed('release', {}, seed('stranger')), ['SECURITY_SIGNATURE', 'only the one that asks']),
    bad('for another host', signed('release', { host: device }), ['VALIDATION_DECODE', 'cannot be carried elsewhere']),
    bad('for another vault', signed('release', { vault: seed('vault') }), ['VALIDATION_DECODE', 'its own vault only']),
    bad(
      'of the other verb',
      ['release', signed('restore-released')[1]],
      ['VALIDATION_DECODE', 'undoing is no release'],
    ),
    bad('renew as release', ['release', signed('renew')[1]], ['SECURITY_SIGNATURE', 'domains are apart']),
    bad('for no shards', signed('release', { shardIds: [] }), ['VALIDATION_DECODE', 'at least one']),
    bad('for 65 shards', signed('release', { shardIds: Array.from({ length: 65 }, () => ids[0]) }), [
      'VALIDATION_DECODE',
      'at most 64',
    ]),
    bad('renew with a prefix of three bytes', signed('renew', { prefix: new Uint8Array(3) }), [
      'VALIDATION_DECODE',
      'at most two',
    ]),
    bad('renew with short root', signed('renew', { root: new Uint8Array(31) }), [
      'VALIDATION_DECODE',
      'roots are 32 bytes',
    ]),
  ]
}

function offers(): Vector[] {
  const join = {
    v: 1,
    verb: 'join',
    token: stream('token', 16),
    certificate: certificateOfDevice,
    name: 'bob',
    addresses: ['/ip4/10.0.0.2/tcp/7421'],
  }
  const ask = { v: 1, verb: 'get', certificate: null }
  const vector = (kind: string, name: string, [value, expect, why]: [object, Json, string]): Vector => ({
    name: `${kind} ${name}`,
    spec: kind === 'join' ? '05§join' : '05§offer',
    input: { kind, cbor: hex(open.encode(value)) },
    expect,
    why,
  })
  const bad = { error: 'VALIDATION_DECODE' }
  return [
    vector('offer', 'request', [ask, toJson(ask), 'a stranger asks']),
    vector('offer', 'request with certificate', [
      { ...ask, certificate: certificateOfDevice },
      toJson({ ...ask, certificate: certificateOfDevice }),
      'a member asks',
    ]),
    vector('offer', 'request with another verb', [{ ...ask, verb: 'put' }, bad, 'one verb']),
    vector('offer', 'request of version 2', [
      { ...ask, v: 2 },
      { error: 'VALIDATION_VERSION' },
      'unknown versions fail closed',
    ]),
    vector('join', 'request', [join, toJson(join), 'takes up an invite']),
    vector('join', 'request with long token', [{ ...join, token: new Uint8Array(65) }, bad, 'at most 64 bytes']),
    vector('join', 'request with nine addresses', [
      { ...join, addresses: Array.from({ length: 9 }, () => '/ip4/10.0.0.2/tcp/1') },
      bad,
      'at most 8',
    ]),
    vector('join', 'request with long address', [{ ...join, addresses: ['a'.repeat(257)] }, bad, 'at most 256 bytes']),
    vector('join', 'request with long name', [{ ...join, name: 'ü'.repeat(33) }, bad, 'at most 64 bytes of UTF-8']),
    vector('join', 'request without certificate', [{ ...join, certificate: null }, bad, 'nobody joins without one']),
  ]
}
