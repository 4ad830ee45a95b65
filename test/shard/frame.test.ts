import t from 'tap'
import { zstdCompressSync } from 'node:zlib'
import { compressFrame, inflateFrame } from '../../src/shard/index.ts'
import { chatter, noise } from './samples.ts'

const refused = { code: 'VALIDATION_DECODE', details: { what: 'shard' } }

t.test('frames come back as they were', async (t) => {
  for (const plain of [chatter(1 << 20, 1), noise(1 << 20, 1), noise(1, 1), Buffer.alloc(1 << 20), chatter(333, 2)]) {
    for (const level of [1, 3, 19]) {
      const frame = compressFrame(plain.subarray(0, level === 19 ? 100_000 : plain.length), level)
      t.ok(Buffer.from(inflateFrame(frame)).equals(plain.subarray(0, frame.plainLength)))
    }
  }
})

t.test('what does not shrink stays raw, where it lies', async (t) => {
  const plain = noise(10_000, 2)
  const frame = compressFrame(plain, 1)
  t.match(frame, { codec: 0, plainLength: 10_000 })
  t.equal(frame.stored, plain)
  t.equal(compressFrame(chatter(10_000, 2), 1).codec, 1)
})

t.test('a frame that unfolds to more or less than it says is refused', async (t) => {
  const frame = compressFrame(chatter(50_000, 3), 1)
  for (const plainLength of [49_999, 50_001, 1]) t.throws(() => inflateFrame({ ...frame, plainLength }), refused)
})

t.test('a bomb stops at the declared length', async (t) => {
  const stored = zstdCompressSync(Buffer.alloc(256 << 20))
  const before = process.memoryUsage.rss()
  t.throws(() => inflateFrame({ codec: 1, stored, plainLength: 1 << 20 }), refused)
  t.ok(process.memoryUsage.rss() - before < 64 << 20)
})

t.test('a frame that asks for a large window is refused', async (t) => {
  const frameWith = (windowLog: number) =>
    Buffer.concat([
      Buffer.from('28b52ffd00', 'hex'),
      Buffer.of((windowLog - 10) << 3, (5 << 3) | 1, 0, 0),
      Buffer.from('plain'),
    ])
  const open = (windowLog: number) => inflateFrame({ codec: 1, stored: frameWith(windowLog), plainLength: 5 })
  t.equal(Buffer.from(open(20)).toString(), 'plain')
  for (const windowLog of [21, 27, 31]) t.throws(() => open(windowLog), refused)
})

t.test('damage and trailing bytes are refused', async (t) => {
  const frame = compressFrame(chatter(50_000, 5), 1)
  const { stored } = frame
  t.throws(() => inflateFrame({ ...frame, stored: stored.subarray(0, -1) }), refused)
  t.throws(() => inflateFrame({ ...frame, stored: Buffer.concat([stored, Buffer.of(1)]) }), refused)
  t.throws(() => inflateFrame({ ...frame, stored: noise(stored.length, 6) }), refused)
})
