import t from 'tap'
import { constants, createZstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressedBound, Compressor, Decompressor } from '../../src/shard/zstd.ts'
import { chatter, noise } from './samples.ts'

const frames = [chatter(300_000, 1), noise(300_000, 2), chatter(1, 3), Buffer.alloc(1 << 20), chatter(1 << 20, 4)]
const params = { [constants.ZSTD_c_compressionLevel]: 1 }

for (const lasting of [true, false]) {
  const name = lasting ? 'a context for all frames' : 'a context for each frame'

  t.test(`${name}: what is compressed is a frame of its own, and comes back`, async (t) => {
    const compressor = new Compressor(params, lasting)
    const decompressor = new Decompressor({}, lasting)
    for (const plain of [...frames, ...frames.toReversed()]) {
      const out = Buffer.alloc(compressedBound(plain.length))
      const stored = out.subarray(0, compressor.compress(plain, out))
      t.ok(zstdDecompressSync(stored).equals(plain))
      const into = Buffer.alloc(plain.length + 1)
      decompressor.inflate(stored, into, plain.length)
      t.ok(into.subarray(0, plain.length).equals(plain))
    }
  })

  t.test(`${name}: no frame spoils the next`, async (t) => {
    const decompressor = new Decompressor({}, lasting)
    const plain = chatter(200_000, 5)
    const good = zstdCompressSync(plain)
    const bad = [good.subarray(0, -1), good.subarray(0, 1000), Buffer.concat([good, good]), noise(500, 6)]
    for (const stored of bad) {
      const into = Buffer.alloc(plain.length + 1)
      t.throws(() => decompressor.inflate(stored, into, plain.length))
      decompressor.inflate(good, into, plain.length)
      t.ok(into.subarray(0, plain.length).equals(plain))
    }
    t.throws(() => decompressor.inflate(good, Buffer.alloc(plain.length), plain.length - 1))
  })

  t.test(`${name}: a frame without its end is refused, though its content is there`, async (t) => {
    // The last block is empty and only says that it is the last: all of the content is there without it.
    const plain = chatter(100_000, 7)
    const [start, end] = await pieces(plain)
    const decompressor = new Decompressor({}, lasting)
    const inflate = (stored: Uint8Array) => {
      decompressor.inflate(stored, Buffer.alloc(plain.length + 1), plain.length)
    }
    for (const _ of [1, 2]) {
      t.throws(() => inflate(start))
      t.doesNotThrow(() => inflate(Buffer.concat([start, end])))
    }
  })
}

/** One frame in two pieces: its content, and its end. */
async function pieces(plain: Uint8Array): Promise<[Buffer, Buffer]> {
  const stream = createZstdCompress()
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.write(plain)
  await new Promise<void>((resolve) => {
    stream.flush(resolve)
  })
  const start = Buffer.concat(parts.splice(0))
  await new Promise<void>((resolve) => {
    stream.on('end', resolve).end()
  })
  return [start, Buffer.concat(parts)]
}
