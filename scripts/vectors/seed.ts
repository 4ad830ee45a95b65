/** Vectors of docs/spec/07-seed.md: what the device signs, pages, and what must be refused. */
import { certificateOfDevice, deviceSeed } from './keys-signing.ts'
import { envelope, flipped, keys, publicKey, seed, stream } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import { toJson, type Json, type Vector } from './vector.ts'

const host = open.peerIdOf(publicKey(seed('host 1')))
const device = open.peerIdOf(publicKey(deviceSeed))
const group = stream('group', 16)
const ids = [0, 1, 2].map((i) => seed(`seed shard ${String(i)}`)).sort((a, b) => Buffer.compare(a, b))

function stripe(id: Uint8Array) {
  const stripeId = open.H(concat(utf8('stripe'), Uint8Array.of(1, 1), id))
  return { k: 1, n: 1, ids: [id], group, stripeId }
}

const item = (id: Uint8Array) => ({ index: 0, manifest: envelope(deviceSeed, 'manifest', open.encode(stripe(id))) })
const content = {
  v: 1,
  vault: keys['vault'],
  device,
  host,
  time: 1_790_000_000_000,
  certificate: certificateOfDevice,
  terms: stream('terms', 120),
  count: ids.length,
  root: open.merkleRoot(ids.map((id) => open.leafHash(id))),
}
const signed = (change: object = {}): Uint8Array => envelope(deviceSeed, 'seed', open.encode({ ...content, ...change }))
const { v: _, ...fields } = content

export function seedVectors(): readonly Vector[] {
  return [...seeds(), ...pages()]
}

function seeds(): Vector[] {
  const vector = (name: string, bytes: Uint8Array, [expect, why]: [Json, string]): Vector => {
    return { name: `seed ${name}`, spec: '07§Seed', input: { kind: 'seed', bytes: hex(bytes) }, expect, why }
  }
  const bad = (name: string, bytes: Uint8Array, [error, why]: [string, string]): Vector =>
    vector(name, bytes, [{ error }, why])
  return [
    vector('of three shards', signed(), [toJson(fields), 'root over the ids in ascending order']),
    bad('with a flipped bit', flipped(signed(), -1), ['SECURITY_SIGNATURE', 'the signature covers all of it']),
    bad('signed by another', envelope(seed('rogue'), 'seed', open.encode(content)), [
      'SECURITY_SIGNATURE',
      'only the device it names',
    ]),
    bad('signed as a manifest', envelope(deviceSeed, 'manifest', open.encode(content)), [
      'SECURITY_SIGNATURE',
      'domains keep kinds apart',
    ]),
    bad('of nothing', signed({ count: 0 }), ['VALIDATION_DECODE', 'at least one shard']),
    bad('of too many', signed({ count: 262_145 }), ['VALIDATION_DECODE', 'at most 262,144']),
    bad('of version 2', signed({ v: 2 }), ['VALIDATION_DECODE', 'unknown versions fail closed']),
    bad('with a further field', signed({ more: 1 }), ['VALIDATION_DECODE', 'no other keys']),
    bad('too long', signed({ terms: stream('terms', 20_480) }), ['VALIDATION_LIMIT', 'at most 20,480 bytes']),
  ]
}

function pages(): Vector[] {
  const vector = (name: string, items: object, [expect, why]: [Json, string]): Vector => ({
    ...{ name: `page ${name}`, spec: '07§Page' },
    input: { kind: 'page', device, bytes: hex(open.encode(items)) },
    ...{ expect, why },
  })
  const bad = (name: string, items: object, [error, why]: [string, string]): Vector =>
    vector(name, items, [{ error }, why])
  const [first, second] = ids.map(item) as [ReturnType<typeof item>, ReturnType<typeof item>]
  const rogue = envelope(seed('rogue'), 'manifest', open.encode(stripe(ids[0] as Uint8Array)))
  return [
    vector('of three shards', ids.map(item), [ids.map((id) => hex(id)), 'the shard is the manifest’s id at the index']),
    bad('out of order', [second, first], ['VALIDATION_DECODE', 'ids ascend']),
    bad('with a shard twice', [first, first], ['VALIDATION_DECODE', 'ids ascend, so none comes twice']),
    bad('with an index beyond', [{ ...first, index: 1 }], ['VALIDATION_DECODE', 'the stripe has one shard']),
    bad('of another device', [{ ...first, manifest: rogue }], ['SECURITY_SIGNATURE', 'the device of the seed signs']),
    bad('of nothing', [], ['VALIDATION_DECODE', 'at least one item']),
    bad(
      'of 65',
      Array.from({ length: 65 }, () => first),
      ['VALIDATION_DECODE', 'at most 64 items'],
    ),
  ]
}
