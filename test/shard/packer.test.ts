import t from 'tap'
import fc from 'fast-check'
import {
  Chunker,
  defaultChunkerOptions,
  defaultPackerOptions,
  MAX_CHUNK_BYTES,
  openShard,
  PackerMemory,
  SHARD_BYTES,
  ShardPacker,
  verifyShard,
  type SealedShard,
  type WaitingChunk,
} from '../../src/shard/index.ts'
import { chatter, chunkerKey, chunkOf, epoch, epochKey, noise, random, type Chunk } from './samples.ts'

const packer = (options = {}) =>
  new ShardPacker({ ...defaultPackerOptions, ...options }, { epoch, random: random('packer') })

function cut(data: Uint8Array): Chunk[] {
  const chunker = new Chunker(defaultChunkerOptions, chunkerKey)
  const chunks: Chunk[] = []
  for (let at = 0; at < data.length; at += chunks.at(-1)!.bytes.length) {
    chunks.push(chunkOf(data.subarray(at, at + chunker.next(data.subarray(at)))))
  }
  return chunks
}

function packAll(into: ShardPacker, chunks: readonly Chunk[]): SealedShard[] {
  const shards: SealedShard[] = []
  for (const chunk of chunks) shards.push(...into.add(chunk))
  return [...shards, ...into.flush()]
}

/** Every chunk of the shards, by id; each shard is checked on the way. */
function contentsOf(
  t: { ok: (value: unknown, name: string) => unknown },
  shards: readonly SealedShard[],
): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const { bytes, id } of shards) {
    t.ok(bytes.length === SHARD_BYTES && verifyShard(bytes, id), 'shard matches its id')
    const opened = openShard(bytes, { epochKey })
    for (const entry of opened.chunks) found.set(String(entry.id), opened.read(entry.id)!)
  }
  return found
}

const wasteOf = (shards: readonly SealedShard[]) =>
  1 - shards.reduce((sum, { usedBytes }) => sum + usedBytes, 0) / (shards.length * SHARD_BYTES)

const mixed = Buffer.concat([
  chatter(5 << 20, 1),
  noise(3 << 20, 1),
  chatter(2 << 20, 2),
  noise(1 << 20, 2),
  chatter(4 << 20, 3),
])
const alternating = Buffer.concat(
  Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? noise(400_000, i) : chatter(900_000, i))),
)

for (const [name, data] of Object.entries({
  random: noise(24 << 20, 9),
  chat: chatter(32 << 20, 9),
  mixed,
  alternating,
})) {
  t.test(`${name}: everything comes back and full shards waste at most 2 %`, async (t) => {
    const chunks = cut(data)
    const into = packer()
    const shards = packAll(into, chunks)
    const found = contentsOf(t, shards)
    t.equal(found.size, new Set(chunks.map(({ id }) => String(id))).size)
    t.ok(
      chunks.every(({ id, bytes }) => Buffer.compare(found.get(String(id))!, bytes) === 0),
      'content',
    )
    t.ok(wasteOf(shards.slice(0, -1)) <= 0.02, `${(100 * wasteOf(shards.slice(0, -1))).toFixed(2)} %`)
    t.equal(into.waitingBytes, 0)
    t.same(into.takeWaiting(), [])
  })
}

t.test('small chunks are packed by the thousand', async (t) => {
  const chunks = Array.from({ length: 6000 }, (_, i) => chunkOf(i % 2 === 0 ? noise(700, i) : chatter(900, i)))
  const shards = packAll(packer(), chunks)
  t.equal(contentsOf(t, shards).size, 6000)
  t.ok(wasteOf(shards.slice(0, -1)) <= 0.02)
})

t.test('chunks of any length are packed, the longest and the shortest', async (t) => {
  for (const lengths of [[MAX_CHUNK_BYTES], [1, MAX_CHUNK_BYTES, 1, MAX_CHUNK_BYTES], [1_000_000, 1_000_000, 1]]) {
    const chunks = lengths.map((length, i) => chunkOf(noise(length, 50 + i)))
    t.equal(contentsOf(t, packAll(packer(), chunks)).size, new Set(chunks.map(({ id }) => String(id))).size)
  }
  t.throws(() => packer().add(chunkOf(Buffer.alloc(0))), { code: 'SYSTEM_UNEXPECTED' })
  t.throws(() => packer().add(chunkOf(Buffer.alloc(MAX_CHUNK_BYTES + 1))), { code: 'SYSTEM_UNEXPECTED' })
})

t.test('any mix of chunks and options keeps the promise', async (t) => {
  const size = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 262_144 }))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(size, fc.boolean(), fc.boolean()), { maxLength: 60 }),
      fc.record({ frameBytes: fc.constantFrom(4096, 262_144, 1 << 20), windowChunks: fc.integer({ min: 1, max: 40 }) }),
      async (sizes, options) => {
        const chunks = sizes.map(([length, flat, meta], i) =>
          chunkOf(flat ? chatter(length, i) : noise(length, i), meta ? 'metadata' : 'data'),
        )
        const shards = packAll(packer(options), chunks)
        const found = contentsOf({ ok: () => true }, shards)
        return chunks.every(({ id, bytes }) => Buffer.compare(found.get(String(id))!, bytes) === 0)
      },
    ),
    { numRuns: 25 },
  )
  t.pass()
})

/** Kinds of content; of the last two the estimate sees samples of the opposite kind. */
const fillings: readonly ((length: number, seed: number) => Buffer)[] = [
  noise,
  chatter,
  (length, seed) => Buffer.alloc(length, seed),
  (length, seed) => sampled(noise(length, seed), Buffer.alloc(length)),
  (length, seed) => sampled(Buffer.alloc(length), noise(length, seed)),
]

function sampled(bytes: Buffer, samples: Buffer): Buffer {
  const step = Math.max(1, Math.floor(bytes.length / 1021))
  for (let at = 0; at < bytes.length; at += step) bytes[at] = samples[at]!
  return bytes
}

t.test('memory that is used again, by the caller and for shards, spoils nothing', async (t) => {
  const near = fc.tuple(fc.constantFrom(65_536, MAX_CHUNK_BYTES >> 1, MAX_CHUNK_BYTES), fc.nat(120))
  const length = fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 300 }) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 80_000 }) },
    { weight: 1, arbitrary: near.map(([bytes, less]) => bytes - less) },
  )
  const batch = fc.array(fc.tuple(length, fc.constantFrom(...fillings)), { minLength: 1, maxLength: 8 })
  const frameBytes = fc.constantFrom(1, 65_536, 1 << 20)
  const slab = new Uint8Array(new SharedArrayBuffer(8 * MAX_CHUNK_BYTES))
  const memory = new PackerMemory()
  fc.assert(
    fc.property(
      fc.array(batch, { maxLength: 24, size: 'max' }),
      fc.record({ frameBytes, windowChunks: fc.integer({ min: 1, max: 20 }) }),
      fc.nat(20),
      (batches, options, takenAt) => {
        const spare: Uint8Array[] = []
        const room = () => spare.pop() ?? new Uint8Array(new SharedArrayBuffer(SHARD_BYTES))
        const into = new ShardPacker(
          { ...defaultPackerOptions, ...options },
          { epoch, random: random('again'), room },
          memory,
        )
        const wanted = new Map<string, Uint8Array>()
        const found = new Map<string, Uint8Array>()
        const held: WaitingChunk[] = []
        const take = (shards: readonly SealedShard[]) => {
          for (const [id, bytes] of contentsOf({ ok: () => true }, shards)) found.set(id, bytes)
          for (const { bytes } of shards) spare.push(bytes.fill(0x55))
        }
        for (const [no, some] of batches.entries()) {
          let at = 0
          const chunks = some.map(([length, fill], i) => {
            const chunk = chunkOf(fill(length, 10 * no + i))
            wanted.set(String(chunk.id), chunk.bytes)
            slab.set(chunk.bytes, at)
            return { ...chunk, bytes: slab.subarray(at, (at += length)) }
          })
          take(into.addAll(chunks))
          slab.fill(0xaa, 0, at)
          if (no === takenAt) held.push(...into.takeWaiting())
        }
        take(into.addAll(held))
        take(into.flush())
        t.equal(found.size, wanted.size)
        for (const [id, bytes] of wanted) if (Buffer.compare(found.get(id)!, bytes) !== 0) return false
        return true
      },
    ),
    { numRuns: 20, endOnFailure: true },
  )
})

t.test('what waits can be taken back and nothing of it is sealed', async (t) => {
  const chunks = cut(Buffer.concat([chatter(6 << 20, 4), noise(2 << 20, 4)]))
  const into = packer()
  const sealed: SealedShard[] = []
  for (const chunk of chunks) sealed.push(...into.add(chunk))
  t.ok(sealed.length > 0)
  t.ok(into.waitingBytes > 0)
  const waiting = into.takeWaiting()
  t.ok(waiting.length > 0)
  t.equal(into.waitingBytes, 0)
  t.same(into.flush(), [])
  const kept = contentsOf(t, sealed)
  for (const { id, bytes } of waiting) kept.set(String(id), bytes)
  t.ok(chunks.every(({ id, bytes }) => Buffer.compare(kept.get(String(id))!, bytes) === 0))
  t.equal(sealed.flatMap((shard) => shard.chunks).length + waiting.length, chunks.length)
  t.equal(contentsOf(t, packAll(into, waiting)).size, waiting.length, 'it goes on after that')
})

t.test('the estimate of what waits is near the truth', async (t) => {
  const into = packer()
  for (const chunk of cut(chatter(12 << 20, 5))) into.add(chunk)
  const estimate = into.waitingBytes
  const shards = into.flush()
  const truth = shards.reduce((sum, { usedBytes }) => sum + usedBytes, 0)
  t.ok(Math.abs(estimate - truth) < 0.1 * truth + 20_000, `${String(estimate)} for ${String(truth)}`)
})

t.test('a chunk that already waits is taken once; bytes are copied', async (t) => {
  const into = packer()
  const bytes = noise(5000, 6)
  const chunk = chunkOf(bytes)
  const copy = Buffer.from(bytes)
  into.add(chunk)
  into.add(chunk)
  bytes.fill(0)
  const shards = into.flush()
  t.equal(shards[0]?.chunks.length, 1)
  t.ok(Buffer.from(openShard(shards[0]!.bytes, { epochKey }).read(chunk.id)!).equals(copy))
  into.add(chunkOf(copy))
  t.equal(into.flush().length, 1, 'a sealed chunk may be packed again')
})

t.test('the kind of a shard tells what is in it', async (t) => {
  const kinds = async (...of: Chunk['kind'][]) =>
    packAll(
      packer(),
      of.map((kind, i) => chunkOf(noise(100, i), kind)),
    )[0]?.kind
  t.equal(await kinds('data', 'data'), 1)
  t.equal(await kinds('metadata'), 2)
  t.equal(await kinds('metadata', 'data'), 3)
})

t.test('memory is bounded however well the input compresses', async (t) => {
  const into = packer()
  let sealed = 0
  for (let i = 0; i < 3000; i++) {
    const bytes = Buffer.alloc(65_536)
    bytes.writeUInt32BE(i)
    sealed += into.add(chunkOf(bytes)).length
  }
  const shards = into.flush()
  t.ok(sealed + shards.length <= 3)
  t.ok(openShard(shards.at(-1)!.bytes, { epochKey }).chunks.length > 100)
})
