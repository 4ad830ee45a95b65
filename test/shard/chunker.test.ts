import t from 'tap'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { Chunker, defaultChunkerOptions } from '../../src/shard/index.ts'
import type { ChunkerOptions } from '../../src/shard/options.ts'
import { chatter, chunkerKey, noise } from './samples.ts'

const small: ChunkerOptions = { minBytes: 64, averageBytes: 256, maxBytes: 1024 }

/** The readable twin: the specification word by word, with a hash computed anew at every position. */
function slowNext(options: ChunkerOptions, key: Uint8Array, data: Uint8Array): number {
  if (data.length <= options.minBytes) return data.length
  const gear = (byte: number) =>
    createHmac('sha256', key)
      .update(Buffer.concat([Buffer.from('gear'), Buffer.of(byte >> 3)]))
      .digest()
      .readUInt32BE((byte & 7) * 4)
  const table = Array.from({ length: 256 }, (_, byte) => BigInt(gear(byte)))
  const bits = BigInt(Math.log2(options.averageBytes))
  const end = Math.min(data.length, options.maxBytes)
  for (let p = options.minBytes; p < end; p++) {
    let hash = 0n
    for (let j = 0; j < 32; j++) hash += table[data[p - 1 - j]!]! << BigInt(j)
    hash %= 2n ** 32n
    if (hash >> (32n - (p < options.averageBytes ? bits + 2n : bits - 2n)) === 0n) return p
  }
  return end
}

function cutAll(chunker: Chunker, data: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < data.length; at += chunks.at(-1)!.length) {
    chunks.push(data.subarray(at, at + chunker.next(data.subarray(at))))
  }
  return chunks
}

t.test('cuts where the specification says, for any input and key', async (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.oneof(
        fc.uint8Array({ maxLength: 1500, size: 'max' }),
        fc.nat(1e6).map((seed) => noise(1500, seed)),
      ),
      (key, data) => new Chunker(small, key).next(data) === slowNext(small, key, data),
    ),
    { numRuns: 60 },
  )
  t.pass()
})

t.test('every length respects the bounds and nothing is lost', async (t) => {
  const chunker = new Chunker(small, chunkerKey)
  fc.assert(
    fc.property(fc.nat(20_000), fc.nat(1e6), (length, seed) => {
      const data = noise(length, seed)
      const chunks = cutAll(chunker, data)
      const inner = chunks.slice(0, -1)
      const bounded = inner.every((c) => c.length >= small.minBytes && c.length <= small.maxBytes)
      return bounded && Buffer.concat(chunks).equals(data)
    }),
    { numRuns: 50 },
  )
  t.equal(chunker.next(new Uint8Array(0)), 0)
})

t.test('a stream cut block by block is cut as if it came whole', async (t) => {
  const chunker = new Chunker(small, chunkerKey)
  fc.assert(
    fc.property(fc.nat(20_000), fc.integer({ min: 1, max: 3000 }), fc.nat(1e6), (length, block, seed) => {
      const data = noise(length, seed)
      const lengths: number[] = []
      let at = 0
      for (let end = block; end < length + block; end += block) {
        const some = chunker.cut(data.subarray(at, end), end >= length)
        lengths.push(...some)
        at += some.reduce((sum, one) => sum + one, 0)
      }
      return lengths.join() === [...chunker.cut(data, true)].join() && at === length
    }),
    { numRuns: 50 },
  )
  t.pass()
})

t.test('a longer view of the same input is cut alike', async (t) => {
  const chunker = new Chunker(small, chunkerKey)
  const data = noise(5000, 1)
  t.equal(chunker.next(data), chunker.next(data.subarray(0, small.maxBytes)))
})

t.test('an insertion changes only the chunks around it', async (t) => {
  const chunker = new Chunker(defaultChunkerOptions, chunkerKey)
  const data = noise(8 << 20, 2)
  const before = new Set(cutAll(chunker, data).map((c) => Buffer.from(c).toString('latin1')))
  const edited = Buffer.concat([data.subarray(0, 3_000_001), Buffer.from('inserted'), data.subarray(3_000_001)])
  const fresh = cutAll(chunker, edited).filter((c) => !before.has(Buffer.from(c).toString('latin1')))
  t.ok(fresh.length >= 1 && fresh.length <= 4, `${String(fresh.length)} new chunks`)
})

t.test('the average is near what was asked for', async (t) => {
  const chunker = new Chunker(defaultChunkerOptions, chunkerKey)
  for (const data of [noise(16 << 20, 3), chatter(16 << 20, 3)]) {
    const average = data.length / cutAll(chunker, data).length / 1024
    t.ok(average > 58 && average < 95, `${average.toFixed(1)} KiB`)
  }
})

t.test('cuts depend on the key', async (t) => {
  const data = noise(1 << 20, 4)
  const cuts = (key: Uint8Array) => cutAll(new Chunker(small, key), data).map((c) => c.length)
  t.not(cuts(Buffer.alloc(32, 1)).join(), cuts(Buffer.alloc(32, 2)).join())
})

t.test('runs of one byte give few, long or even chunks, never an endless loop', async (t) => {
  const chunker = new Chunker(defaultChunkerOptions, chunkerKey)
  const lengths = new Set(cutAll(chunker, Buffer.alloc(2 << 20)).map((c) => c.length))
  t.ok(lengths.size <= 2)
})

t.test('impossible sizes are refused', async (t) => {
  for (const bad of [
    { ...small, minBytes: 31 },
    { ...small, minBytes: 256 },
    { ...small, averageBytes: 300 },
    { ...small, maxBytes: 256 },
    { ...small, maxBytes: 2 << 20 },
  ]) {
    t.throws(() => new Chunker(bad, chunkerKey), { code: 'SYSTEM_UNEXPECTED' })
  }
})
