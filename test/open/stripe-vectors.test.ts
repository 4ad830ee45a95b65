/** src/shard against the vectors of docs/spec/03-stripe.md, which the second implementation made. */
import { decode, encode } from '../../src/crypto/codec.ts'
import { survivalLoss } from '../../src/shard/durability.ts'
import { encodeParity, reconstruct } from '../../src/shard/erasure.ts'
import { generatorMatrix } from '../../src/shard/field.ts'
import { openHead, openNotice, sealHead } from '../../src/shard/head.ts'
import { chooseShape, minimumReceipts, placedThreshold, shortStripe } from '../../src/shard/ladder.ts'
import { decodeStripe, encodeStripe, manifestPayload, openManifest } from '../../src/shard/stripe.ts'
import type { StripeRecord } from '../../src/shard/shard-network.ts'
import { hex, testVectors, unhex, type Input, type Json } from '../support/vectors.ts'

testVectors('03-stripe', {
  generator: (input) => generatorMatrix(shape(input)).map(hex),
  parity(input) {
    const { k, n } = shape(input)
    return n === k ? [] : encodeParity({ k, n }, input.byteList('data')).map(hex)
  },
  rebuild(input) {
    const { k, n } = shape(input)
    const shares = new Array<Uint8Array | undefined>(n).fill(undefined)
    for (const [index, bytes] of input.list('shares') as readonly [number, string][]) shares[index] = unhex(bytes)
    return reconstruct({ k, n }, shares, input.list('want') as readonly number[]).map(hex)
  },
  stripe(input) {
    const stripe = decodeStripe(decode(input.bytes('cbor'), { what: 'vector', maxBytes: 8192 }))
    if (hex(encode(encodeStripe(stripe))) !== input.text('cbor')) return 'encodes to something else'
    return stripeJson(stripe)
  },
  manifest(input) {
    const stripe = openManifest(input.bytes('payload'))
    if (hex(manifestPayload(stripe)) !== input.text('payload')) return 'encodes to something else'
    return stripeJson(stripe)
  },
  shape: (input) => (chooseShape(input.number('hosts')) ?? null) as Json,
  receipts: (input) => ({ placed: placedThreshold(shape(input)), least: minimumReceipts(shape(input)) }),
  loss(input, vector) {
    const expected = vector.expect as number
    const loss = survivalLoss(input.number('k'), input.list('rates') as readonly number[])
    return Math.abs(loss - expected) <= expected * 1e-12 ? expected : loss
  },
  short: (input) => ({ ...shortStripe(input.number('s'), shape(input), input.list('rates') as readonly number[]) }),
  notice(input) {
    const { device, sealedHash, serial, vault, seq, prev } = openNotice(input.bytes('bytes'))
    return {
      device,
      sealedHash: hex(sealedHash),
      serial,
      vault: hex(vault),
      seq,
      prev: prev === null ? null : hex(prev),
    }
  },
  head(input) {
    const [key, known] = [input.bytes('epochKey'), input.number('epoch')]
    const body = openHead(input.bytes('sealed'), (epoch) => (epoch === known ? key : undefined))
    const random = { bytes: () => input.bytes('salt'), below: () => 0 }
    if (hex(sealHead({ epoch: known, key }, body, random)) !== input.text('sealed')) return 'seals to something else'
    return hex(body)
  },
})

function shape(input: Input): { k: number; n: number } {
  return { k: input.number('k'), n: input.number('n') }
}

function stripeJson({ id, k, n }: StripeRecord): Json {
  return { id: hex(id), k, n }
}
