import t from 'tap'
import { createHash } from 'node:crypto'
import { decode, encode, type Plain } from '../../src/crypto/codec.ts'
import {
  decodeStripe,
  encodeStripe,
  groupId,
  manifestPayload,
  openManifest,
  shardId,
  stripeIdOf,
  stripeRecord,
  type ShardId,
} from '../../src/shard/index.ts'
import { noise } from './samples.ts'

const ids = (n: number) => Array.from({ length: n }, (_, i) => shardId(noise(32, i)))
const group = groupId(noise(16, 99))
const stripe = stripeRecord({ k: 2, n: 5, ids: ids(5), group })
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const asText = ({ id, k, n, ids, group }: typeof stripe) => [hex(id), k, n, ids.map(hex).join(), hex(group)].join(' ')

t.test('the id is the hash of shape and shard ids', async (t) => {
  const hash = createHash('sha256').update(Buffer.concat([Buffer.from('stripe'), Buffer.of(2, 5), ...ids(5)]))
  t.same(Buffer.from(stripeIdOf(stripe)), hash.digest())
  t.notSame(stripeIdOf({ ...stripe, k: 3 }), stripeIdOf(stripe))
  t.notSame(stripeIdOf({ ...stripe, ids: ids(5).toReversed() }), stripeIdOf(stripe))
})

t.test('records and manifests come back as they were, in canonical bytes', async (t) => {
  for (const [k, n] of [
    [1, 1],
    [1, 3],
    [10, 30],
    [40, 64],
  ] as const) {
    // Parity of one data shard is the data shard again.
    const record = stripeRecord({ k, n, ids: k === 1 ? Array<ShardId>(n).fill(ids(1)[0]!) : ids(n), group })
    t.equal(asText(decodeStripe(encodeStripe(record))), asText(record))
    const payload = manifestPayload(record)
    t.ok(payload.length <= 4096)
    t.equal(asText(openManifest(payload)), asText(record))
    t.ok(Buffer.from(manifestPayload(openManifest(payload))).equals(payload))
  }
  t.equal(Buffer.from(manifestPayload(stripe)).toString('latin1', 0, 3), '\xa5\x61k')
})

t.test('anything else is refused', async (t) => {
  const fields = decode(manifestPayload(stripe), { what: 'manifest', maxBytes: 4096 }) as Record<string, Plain>
  const changes: Record<string, Record<string, Plain | undefined>> = {
    'another k': { k: 3 },
    'k of 0': { k: 0 },
    'k above n': { k: 6 },
    'a negative k': { k: -1 },
    'n of 65': { n: 65 },
    'another n': { n: 4 },
    'ids missing': { ids: ids(4) },
    'an id twice': { ids: [...ids(4), ids(1)[0]!] },
    'ids swapped': { ids: ids(5).toReversed() },
    'a short id': { ids: [...ids(4), noise(31, 1)] },
    'ids as one string': { ids: Buffer.concat(ids(5)) },
    'a long group': { group: noise(17, 1) },
    'no group': { group: undefined },
    'another stripe id': { stripeId: noise(32, 77) },
    'an unknown field': { v: 1 },
    'k as text': { k: '2' },
  }
  for (const [name, change] of Object.entries(changes)) {
    const kept = Object.entries({ ...fields, ...change }).filter(
      (field): field is [string, Plain] => field[1] !== undefined,
    )
    t.throws(
      () => openManifest(encode(Object.fromEntries(kept))),
      { code: 'VALIDATION_DECODE', details: { what: 'stripe' } },
      name,
    )
  }
  for (const plain of [null, 1, [], encode({}), { k: 2 }])
    t.throws(() => decodeStripe(plain), { code: 'VALIDATION_DECODE' })
  t.throws(() => openManifest(Buffer.concat([manifestPayload(stripe), Buffer.of(0)])), { code: 'VALIDATION_DECODE' })
  t.throws(() => openManifest(new Uint8Array(4097)), { code: 'VALIDATION_LIMIT' })
  t.throws(() => decodeStripe({ k: 1, n: 2, ids: ids(2), group }), { code: 'VALIDATION_DECODE' }, 'copies that differ')
  t.throws(() => stripeRecord({ k: 1, n: 2, ids: ids(1), group }), { code: 'SYSTEM_UNEXPECTED' })
})
