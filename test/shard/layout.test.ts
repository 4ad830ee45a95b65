import t, { type Test } from 'tap'
import fc from 'fast-check'
import { decodePlain, encodePlain, tableBytes, type ShardContent } from '../../src/shard/layout.ts'
import { MAX_ENTRIES, MAX_FRAMES, SHARD_PLAIN_BYTES } from '../../src/shard/options.ts'
import type { ChunkId } from '../../src/shard/index.ts'
import { chatter, frameOf, noise } from './samples.ts'

const idOf = (n: number) => noise(32, 1000 + n) as Uint8Array as ChunkId

/** A shard's content with frames of chunks of these lengths. */
function contentOf(frames: readonly (readonly number[])[], kind: 1 | 2 | 3 = 1): ShardContent {
  let next = 0
  return {
    kind,
    frames: frames.map((lengths, i) => {
      const length = lengths.reduce((a, b) => a + b, 0)
      return frameOf(i % 2 === 0 ? chatter(length, i) : noise(length, i))
    }),
    entries: frames.flatMap((lengths, frame) => {
      let offset = 0
      return lengths.map((length) => {
        offset += length
        return { id: idOf(next++), frame, offset: offset - length, length }
      })
    }),
  }
}

function encoded(content: ShardContent): Buffer {
  const plain = Buffer.alloc(SHARD_PLAIN_BYTES, 0xff)
  encodePlain(content, plain)
  return plain
}

const plainOf = (content: ShardContent) => ({
  ...content,
  frames: content.frames.map((f) => ({ ...f, stored: Buffer.from(f.stored) })),
  entries: content.entries.map((e) => ({ ...e, id: Buffer.from(e.id) })),
})

t.test('decoding is the inverse of encoding', async (t) => {
  const lengths = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(lengths, { minLength: 1, maxLength: 6 }), fc.constantFrom(1, 2, 3), (frames, kind) => {
      const content = contentOf(frames, kind)
      const plain = encoded(content)
      const decoded = decodePlain(plain)
      t.strictSame(plainOf(decoded), plainOf(content))
      return encoded(decoded).equals(plain)
    }),
    { numRuns: 40 },
  )
})

t.test('offsets are what the byte table says', async (t) => {
  const content = contentOf([[500, 700], [300]], 3)
  const plain = encoded(content)
  const tables = tableBytes(2, 3)
  t.equal(tables, 7 + 2 * 13 + 3 * 42)
  t.equal(plain.subarray(0, 11).toString('hex'), '03' + '0002' + '00000003' + tables.toString(16).padStart(8, '0'))
  t.equal(plain.readUInt32BE(20), tables + content.frames[0]!.stored.length)
  t.equal(plain.subarray(33 + 42 + 32, 33 + 84).toString('hex'), '0000' + '000001f4' + '000002bc')
})

/** A valid plaintext with one change; the change must make it invalid. */
function refuses(t: Test, name: string, change: (plain: Buffer) => void, frames = [[500, 700], [300]]): void {
  const plain = encoded(contentOf(frames))
  decodePlain(plain)
  change(plain)
  t.throws(() => decodePlain(plain), { code: 'VALIDATION_DECODE', details: { what: 'shard' } }, name)
}

t.test('every field is checked', async (t) => {
  const tables = tableBytes(2, 3)
  const entry = (i: number) => 7 + 2 * 13 + i * 42
  for (const kind of [0, 4, 255]) refuses(t, `kind ${String(kind)}`, (p) => p.writeUInt8(kind, 0))
  for (const count of [0, 1, 3, MAX_FRAMES + 1]) refuses(t, `${String(count)} frames`, (p) => p.writeUInt16BE(count, 1))
  for (const count of [0, 1, 2, 4, MAX_ENTRIES, MAX_ENTRIES + 1, 2 ** 32 - 1]) {
    refuses(t, `${String(count)} entries`, (p) => p.writeUInt32BE(count, 3))
  }
  for (const at of [0, tables - 1, tables + 1, 2 ** 32 - 1]) {
    refuses(t, `frame at ${String(at)}`, (p) => p.writeUInt32BE(at, 7))
  }
  for (const length of [0, 1, 1_048_484, 2 ** 32 - 1]) {
    refuses(t, `stored ${String(length)}`, (p) => p.writeUInt32BE(length, 11))
    refuses(t, `last stored ${String(length)}`, (p) => p.writeUInt32BE(length, 24))
  }
  for (const length of [0, 1199, 1201, 1_048_577])
    refuses(t, `plain ${String(length)}`, (p) => p.writeUInt32BE(length, 15))
  for (const codec of [0, 2, 255]) refuses(t, `codec ${String(codec)}`, (p) => p.writeUInt8(codec, 19))
  refuses(t, 'raw frame called zstd', (p) => p.writeUInt8(1, 32))
  for (const frame of [1, 2, 65_535])
    refuses(t, `entry of frame ${String(frame)}`, (p) => p.writeUInt16BE(frame, entry(0) + 32))
  refuses(t, 'entry back in frame 0', (p) => p.writeUInt16BE(0, entry(2) + 32))
  for (const offset of [1, 499, 501])
    refuses(t, `offset ${String(offset)}`, (p) => p.writeUInt32BE(offset, entry(1) + 34))
  for (const length of [0, 699, 701, 2 ** 32 - 1])
    refuses(t, `length ${String(length)}`, (p) => p.writeUInt32BE(length, entry(1) + 38))
  refuses(t, 'an id twice', (p) => p.copyWithin(entry(2), entry(0), entry(0) + 32))
  refuses(t, 'padding', (p) => p.writeUInt8(1, SHARD_PLAIN_BYTES - 1))
  refuses(t, 'padding at its start', (p) => p.writeUInt8(1, SHARD_PLAIN_BYTES - 1_040_000))
  refuses(t, 'a frame without entries', (p) => {
    p.writeUInt32BE(1200, entry(0) + 38)
    p.writeUInt16BE(1, entry(1) + 32)
  })
})

t.test('any plaintext is decoded or refused, never anything else', async (t) => {
  const plain = encoded(contentOf([[500, 700], [300]]))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(170), fc.nat(255)), { minLength: 1, maxLength: 4 }), (edits) => {
      const copy = Buffer.from(plain)
      for (const [at, value] of edits) copy[at] = value
      try {
        return encoded(decodePlain(copy)).equals(copy)
      } catch (error) {
        return (error as { code?: string }).code === 'VALIDATION_DECODE'
      }
    }),
    { numRuns: 300 },
  )
  t.pass()
})
