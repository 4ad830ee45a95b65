/** Vectors of docs/spec/03-stripe.md. */
import { exactLoss, shortShape } from './durability.ts'
import { deviceSeed } from './keys-signing.ts'
import { box, envelope, flipped, keys, publicKey, seed, stream, u32 } from './make.ts'
import { concat, hex, open, unhex, utf8 } from './open.ts'
import { failing, type Json, type Vector } from './vector.ts'

export function stripeVectors(): readonly Vector[] {
  return [...codeVectors(), ...stripeRecords(), ...shapeVectors(), ...noticeVectors(), ...headVectors()]
}

const ladder: readonly (readonly [number, number])[] = [
  [1, 1],
  [1, 2],
  [1, 3],
  [2, 5],
  [2, 7],
  [3, 10],
  [4, 14],
  [6, 20],
  [10, 30],
]

function codeVectors(): Vector[] {
  const spec = '03§Erasure code'
  return ladder.flatMap(([k, n]): Vector[] => {
    const data = Array.from({ length: k }, (_, i) => stream(`data ${i}`, 64))
    const parity = n === k ? [] : open.rebuild({ k, n }, mapOf(data), range(k, n))
    const all = [...data, ...parity]
    const last = range(n - k, n)
    const matrix = open.generator(k, n).map((row) => hex(Uint8Array.from(row)))
    const rebuilt = open.rebuild({ k, n }, new Map(last.map((i) => [i, all[i] ?? seed('')])), range(0, n))
    if (!rebuilt.every((bytes, i) => hex(bytes) === hex(all[i] ?? seed(''))))
      throw new Error('the reader cannot rebuild')
    return [
      {
        name: `generator of ${k}-of-${n}`,
        spec,
        input: { kind: 'generator', k, n },
        expect: matrix,
        why: 'the identity, then the parity rows',
      },
      {
        name: `parity of ${k}-of-${n}`,
        spec,
        input: { kind: 'parity', k, n, data: data.map(hex) },
        expect: parity.map(hex),
        why: 'on 64 bytes instead of 1 MiB',
      },
      {
        name: `rebuild of ${k}-of-${n} from the last k`,
        spec,
        input: { kind: 'rebuild', k, n, shares: last.map((i) => [i, hex(all[i] ?? seed(''))]), want: range(0, n) },
        expect: all.map(hex),
        why: 'any k shards give all others',
      },
    ]
  })
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const mapOf = (shards: readonly Uint8Array[]): Map<number, Uint8Array> => new Map(shards.entries())

const ids = range(0, 5).map((i) => seed(`shard ${i}`))
const group = stream('group', 16)
const stripe = { k: 2, n: 5, ids, group }

function stripeRecords(): Vector[] {
  const spec = '03§Stripe'
  const single = { k: 1, n: 3, ids: [ids[0], ids[0], ids[0]], group }
  const id = hex(open.stripeId(stripe))
  const cases: [string, Readonly<Record<string, unknown>>, string][] = [
    ['k 0', { k: 0 }, '1 ≤ k'],
    ['k over n', { k: 6 }, 'k ≤ n'],
    ['four ids for n 5', { ids: ids.slice(1) }, 'n ids'],
    ['an id twice', { ids: [...ids.slice(0, 4), ids[0]] }, 'all different'],
    ['a short id', { ids: [...ids.slice(0, 4), new Uint8Array(31)] }, 'ids are 32 bytes'],
    ['a group of 15 bytes', { group: group.subarray(1) }, 'groups are 16 bytes'],
    ['k as text', { k: '2' }, 'numbers are numbers'],
    ['an extra field', { extra: 0 }, 'fields are exact'],
    ['different ids for k 1', { k: 1 }, 'parity of one data shard is that shard'],
    ['n 65', { n: 65, ids: range(0, 65).map((i) => seed(`shard ${i}`)) }, 'at most 64 shards'],
  ]
  const manifest = { ...stripe, stripeId: unhex(id) }
  return [
    {
      name: 'stripe',
      spec,
      input: { kind: 'stripe', cbor: hex(open.encode(stripe)) },
      expect: { id, k: 2, n: 5 },
      why: 'its id is the hash',
    },
    {
      name: 'stripe of one data shard',
      spec,
      input: { kind: 'stripe', cbor: hex(open.encode(single)) },
      expect: {
        id: hex(open.stripeId({ k: 1, n: 3, ids: [seed('shard 0'), seed('shard 0'), seed('shard 0')] })),
        k: 1,
        n: 3,
      },
      why: 'all ids are equal',
    },
    ...cases.map(([name, change, why]) => badStripe(name, { ...stripe, ...change }, why)),
    {
      name: 'manifest',
      spec: '03§Manifest',
      input: { kind: 'manifest', payload: hex(open.encode(manifest)) },
      expect: { id, k: 2, n: 5 },
      why: 'what a put carries',
    },
    badManifest('of another id', open.encode({ ...manifest, stripeId: seed('other') }), [
      'VALIDATION_DECODE',
      'the id is the hash',
    ]),
    badManifest('without id', open.encode(stripe), ['VALIDATION_DECODE', 'fields are exact']),
    badManifest('with trailing byte', concat(open.encode(manifest), Uint8Array.of(0)), [
      'VALIDATION_DECODE',
      'one item and no more',
    ]),
    badManifest('over 4,096 bytes', open.encode(stream('long', 4096)), [
      'VALIDATION_LIMIT',
      'checked before it is decoded',
    ]),
  ]
}

function badStripe(name: string, value: object, why: string): Vector {
  const input = { kind: 'stripe', cbor: hex(open.encode(value)) }
  const vector = { name: `stripe with ${name}`, spec: '03§Stripe', input, error: 'VALIDATION_DECODE', why }
  return failing(vector, () => open.parseStripe(value))
}

function badManifest(name: string, payload: Uint8Array, [error, why]: [string, string]): Vector {
  const input = { kind: 'manifest', payload: hex(payload) }
  return { name: `manifest ${name}`, spec: '03§Manifest', input, expect: { error }, why }
}

function shapeVectors(): Vector[] {
  const spec = '03§Shape'
  const shapes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 16, 17, 23, 24, 35, 36, 60].map((hosts): Vector => {
    const spares = hosts < 4 ? 0 : Math.max(1, Math.ceil(hosts / 6))
    const shape = ladder.findLast(([, n]) => n <= hosts - spares)
    const expect = shape === undefined ? null : { k: shape[0], n: shape[1], spares }
    return {
      name: `shape for ${hosts} hosts`,
      spec,
      input: { kind: 'shape', hosts },
      expect,
      why: 'the largest that leaves the spares',
    }
  })
  const thresholds = ladder.map(([k, n]): Vector => ({
    name: `receipts of ${k}-of-${n}`,
    spec,
    input: { kind: 'receipts', k, n },
    expect: { placed: k + Math.ceil((2 * (n - k)) / 3), least: n === k ? k : k + 1 },
    why: 'placed, and never to be relied on with fewer',
  }))
  const losses = ladder.map(([k, n]): Vector => {
    const rates = range(0, n).map((i) => (i % 3 === 2 ? 0.75 : 0.98))
    const input = { kind: 'loss', k, rates }
    return {
      name: `loss of ${k}-of-${n}`,
      spec: '03§Durability',
      input,
      expect: exactLoss(k, rates),
      why: 'computed exactly, then rounded: to be met to 12 digits',
    }
  })
  const short = [...ladder.slice(3), [3, 10] as const].flatMap(([k, n]) => [1, k - 1].map((s) => shortVector(s, k, n)))
  return [
    ...shapes,
    ...thresholds,
    ...losses,
    ...short.filter((one, i) => short.findIndex(({ name }) => name === one.name) === i),
  ]
}

function shortVector(s: number, k: number, n: number): Vector {
  const rates = range(0, n).map(() => 0.98)
  return {
    name: `short stripe of ${s} of ${k}-of-${n}`,
    spec: '03§Shape',
    input: { kind: 'short', s, k, n, rates },
    expect: shortShape(s, { k, n }, rates),
    why: 'the fewest parity shards that lose no more often than a full stripe',
  }
}

const sealedBody = utf8('what a device knows of its backups')
const epochKey = seed('epoch 1')
const sealedHead = sealHead(sealedBody)

/** `PXH1` ‖ epoch ‖ box over length ‖ body ‖ zeros to the next multiple of 4 KiB. */
export function sealHead(
  body: Uint8Array,
  { padding, length, epoch = 1 }: { padding?: number; length?: number; epoch?: number } = {},
): Uint8Array {
  const fixed = 8 + 65 + 16 + 4 + body.length
  const zeros = padding ?? Math.ceil(fixed / 4096) * 4096 - fixed
  const plaintext = concat(u32(length ?? body.length), body, new Uint8Array(zeros))
  const prefix = concat(utf8('PXH1'), u32(epoch))
  return concat(prefix, box(epochKey, { label: 'head', salt: seed('head salt'), plaintext, aad: prefix }))
}

const notice = {
  v: 1,
  seq: 1,
  prev: null as Uint8Array | null,
  vault: keys.vault,
  device: open.peerIdOf(publicKey(deviceSeed)),
  serial: 77,
  sealedHash: open.H(sealedHead),
}

export function signedNotice(change: Readonly<Record<string, unknown>> = {}, signer = deviceSeed): Uint8Array {
  return envelope(signer, 'head-notice', open.encode({ ...notice, ...change }))
}

function noticeVectors(): Vector[] {
  const spec = '03§Notice'
  const good = (name: string, change: Readonly<Record<string, unknown>>, expect: Json): Vector => ({
    name: `notice ${name}`,
    spec,
    input: { kind: 'notice', bytes: hex(signedNotice(change)) },
    expect,
    why: 'it opens by the key it names',
  })
  const bad = (name: string, bytes: Uint8Array, [error, why]: [string, string]): Vector => {
    const input = { kind: 'notice', bytes: hex(bytes) }
    return failing({ name: `notice ${name}`, spec, input, error, why }, () => open.openNotice(bytes))
  }
  const fields = { device: notice.device, sealedHash: hex(notice.sealedHash), serial: 77, vault: hex(keys.vault) }
  const prev = seed('head before')
  return [
    good('of the first head', {}, { ...fields, seq: 1, prev: null }),
    good('of a later head', { seq: 7, prev }, { ...fields, seq: 7, prev: hex(prev) }),
    bad('by another device', signedNotice({}, seed('stranger')), ['SECURITY_SIGNATURE', 'not by the device it names']),
    bad('signed as something else', envelope(deviceSeed, 'manifest', open.encode(notice)), [
      'SECURITY_SIGNATURE',
      'domains are apart',
    ]),
    bad('of version 2', signedNotice({ v: 2 }), ['VALIDATION_DECODE', 'unknown versions fail closed']),
    bad('with seq 0', signedNotice({ seq: 0 }), ['VALIDATION_DECODE', 'seq counts from 1']),
    bad('of the first head with prev', signedNotice({ prev }), ['VALIDATION_DECODE', 'nothing precedes it']),
    bad('of a later head without prev', signedNotice({ seq: 2 }), ['VALIDATION_DECODE', 'the chain is broken']),
    bad('with extra field', signedNotice({ extra: 0 }), ['VALIDATION_DECODE', 'fields are exact']),
    bad('with short hash', signedNotice({ sealedHash: new Uint8Array(31) }), [
      'VALIDATION_DECODE',
      'hashes are 32 bytes',
    ]),
    bad('over 1,024 bytes', signedNotice({ extra: new Uint8Array(1024) }), [
      'VALIDATION_LIMIT',
      'checked before it is decoded',
    ]),
  ]
}

function headVectors(): Vector[] {
  const spec = '03§Sealed head'
  const input = (sealed: Uint8Array) => ({ kind: 'head', epochKey: hex(epochKey), epoch: 1, sealed: hex(sealed) })
  const bad = (name: string, sealed: Uint8Array, [error, why]: [string, string]): Vector =>
    failing({ name: `head ${name}`, spec, input: input(sealed), error, why }, () =>
      open.openHead(sealed, new Map([[1, epochKey]])),
    )
  const full = stream('body', 4096 - 93)
  return [
    {
      name: 'head',
      spec,
      input: { ...input(sealedHead), salt: hex(seed('head salt')) },
      expect: hex(sealedBody),
      why: 'one step of 4 KiB',
    },
    {
      name: 'head without padding',
      spec,
      input: { ...input(sealHead(full)), salt: hex(seed('head salt')) },
      expect: hex(full),
      why: 'the body fills its step',
    },
    bad('of nothing', new Uint8Array(0), ['VALIDATION_DECODE', 'at least one step']),
    bad('a byte short', sealedHead.subarray(1), ['VALIDATION_DECODE', 'a multiple of 4 KiB']),
    bad('over 256 KiB', new Uint8Array(266_240), ['VALIDATION_DECODE', 'at most 256 KiB']),
    bad('with another magic', flipped(sealedHead, 0), ['VALIDATION_DECODE', 'not a head']),
    bad('of an unknown epoch', flipped(sealedHead, 7, 2), ['SECURITY_SEALED', 'no key of epoch 3']),
    bad('with changed commitment', flipped(sealedHead, 45), ['SECURITY_SEALED', 'checked first']),
    bad('with changed ciphertext', flipped(sealedHead, 100), ['SECURITY_SEALED', 'the tag covers it']),
    bad('with 4,096 zeros too many', sealHead(full, { padding: 4096 }), [
      'VALIDATION_DECODE',
      'the least padding only',
    ]),
    bad('with a body longer than it is', sealHead(sealedBody, { length: 5000 }), [
      'VALIDATION_DECODE',
      'the body lies inside',
    ]),
    bad('with padding that is not zero', sealHead(sealedBody, { length: sealedBody.length - 1 }), [
      'VALIDATION_DECODE',
      'padding is zero',
    ]),
  ]
}
