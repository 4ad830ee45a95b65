import t from 'tap'
import { encodePlain, type ShardContent } from '../../src/shard/layout.ts'
import { sealShard } from '../../src/shard/sealed-shard.ts'
import { chunkIdOf, openShard, openSlabs, SHARD_BYTES, shardHeader, shardRoot } from '../../src/shard/index.ts'
import { aeadSeal, deriveSealKey } from '../../src/crypto/seal.ts'
import { SHARD_PLAIN_BYTES } from '../../src/shard/options.ts'
import { chatter, chunkOf, epoch, epochKey, frameOf, idMac, noise, random } from './samples.ts'

const chunks = Array.from({ length: 12 }, (_, i) => chunkOf(i % 3 === 0 ? noise(20_000, i) : chatter(30_000, i)))

/** One frame per two chunks. */
const content: ShardContent = {
  kind: 1,
  frames: [0, 2, 4, 6, 8, 10].map((i) => frameOf(Buffer.concat([chunks[i]!.bytes, chunks[i + 1]!.bytes]))),
  entries: chunks.map(({ id, bytes }, i) => ({
    id,
    frame: i >> 1,
    offset: i % 2 === 0 ? 0 : chunks[i - 1]!.bytes.length,
    length: bytes.length,
  })),
}
const seal = (suite: 1 | 2, name = 'seal') => sealShard(content, { suite, epoch, random: random(name) })

for (const suite of [1, 2] as const) {
  t.test(`suite ${String(suite)}: what was sealed is read back, in any order`, async (t) => {
    const shard = seal(suite)
    t.equal(shard.bytes.length, SHARD_BYTES)
    t.same(Buffer.from(shard.id), Buffer.from(shardRoot(shard.bytes)))
    t.match(shardHeader(shard.bytes), { suite, epoch: 3 })
    const opened = openShard(shard.bytes, { epochKey })
    t.match(opened, { kind: 1, suite, epoch: 3 })
    for (const { id, bytes } of [...chunks, ...chunks.toReversed()]) {
      t.ok(Buffer.from(opened.read(id)!).equals(bytes))
      t.same(Buffer.from(chunkIdOf(idMac, opened.read(id)!)), Buffer.from(id))
    }
    t.equal(opened.read(chunkIdOf(idMac, Buffer.from('another'))), undefined)
  })

  t.test(`suite ${String(suite)}: any flipped byte is noticed`, async (t) => {
    const { bytes } = seal(suite)
    const positions = [...Array(80).keys(), 1_048_559, 1_048_560, SHARD_BYTES - 1, 500_000]
    for (const position of suite === 1 ? positions : [0, 4, 11, 12, 75, 76, 1_048_575]) {
      const copy = Buffer.from(bytes)
      copy[position]! ^= 1
      const code = position === 4 && suite === 1 ? /VALIDATION_VERSION|SECURITY_SEALED/ : expectedCode(position)
      t.throws(() => openShard(copy, { epochKey }), { code }, `byte ${String(position)}`)
    }
  })
}

/** By the failure stages of the specification. */
function expectedCode(position: number): string | RegExp {
  if (position < 4 || (position > 4 && position < 8)) return 'VALIDATION_DECODE'
  return position === 4 ? /VALIDATION_VERSION|SECURITY_SEALED/ : 'SECURITY_SEALED'
}

t.test('other lengths, unknown suites, unknown epochs and other keys are refused by their codes', async (t) => {
  const { bytes } = seal(1)
  t.throws(() => openShard(bytes.subarray(1), { epochKey }), { code: 'STORAGE_SHARD_SIZE' })
  t.throws(() => openShard(Buffer.concat([bytes, Buffer.of(0)]), { epochKey }), { code: 'STORAGE_SHARD_SIZE' })
  const unknown = Buffer.from(bytes)
  unknown[4] = 9
  t.throws(() => openShard(unknown, { epochKey }), { code: 'VALIDATION_VERSION' })
  t.throws(() => openShard(bytes, { epochKey: () => undefined }), { code: 'SECURITY_SEALED' })
  t.throws(() => openShard(bytes, { epochKey: () => Buffer.alloc(32) }), { code: 'SECURITY_SEALED' })
})

t.test('no two seals share a salt, and equal content gives unlike shards', async (t) => {
  const { below, bytes } = random('stream')
  const both = [0, 1].map(() => sealShard(content, { suite: 1, epoch, random: { below, bytes } }))
  t.notSame(Buffer.from(both[0]!.id), Buffer.from(both[1]!.id))
  t.notSame(shardHeader(both[0]!.bytes).salt, shardHeader(both[1]!.bytes).salt)
})

t.test('a small shard leaves nothing of the one sealed before it', async (t) => {
  seal(1)
  const one = chunkOf(Buffer.from('x'))
  const frame = frameOf(one.bytes)
  const entries = [{ id: one.id, frame: 0, offset: 0, length: 1 }]
  const shard = sealShard({ kind: 2, frames: [frame], entries }, { suite: 1, epoch, random: random('small') })
  const opened = openShard(shard.bytes, { epochKey })
  t.match(opened, { kind: 2 })
  t.equal(shard.usedBytes, 7 + 13 + 42 + 1)
})

t.test('a frame that does not inflate is refused when it is read, the others are read', async (t) => {
  const broken = { ...content.frames[1]!, stored: noise(content.frames[1]!.stored.length, 9) }
  const frames = content.frames.with(1, broken)
  const { bytes } = sealShard({ ...content, frames }, { suite: 1, epoch, random: random('broken') })
  const opened = openShard(bytes, { epochKey })
  t.ok(Buffer.from(opened.read(chunks[0]!.id)!).equals(chunks[0]!.bytes))
  for (const i of [2, 3, 2]) t.throws(() => opened.read(chunks[i]!.id), { code: 'VALIDATION_DECODE' })
  t.ok(Buffer.from(opened.read(chunks[4]!.id)!).equals(chunks[4]!.bytes))
})

t.test('a rightly sealed shard of malformed plaintext is refused', async (t) => {
  const plain = Buffer.alloc(SHARD_PLAIN_BYTES)
  encodePlain(content, plain)
  plain[SHARD_PLAIN_BYTES - 1] = 1
  const { bytes } = seal(1)
  const header = shardHeader(bytes)
  const derived = deriveSealKey(epoch.key, header.salt, { label: 'shard', suite: 1 })
  aeadSeal(1, { ...derived, aad: bytes.subarray(0, 76), plaintext: plain, into: bytes.subarray(76) })
  t.throws(() => openShard(bytes, { epochKey }), { code: 'VALIDATION_DECODE' })
})

t.test('slabs take one shard after the other; chunks last as long as there is room for their frames', async (t) => {
  const slabs = openSlabs(2)
  for (const name of ['first', 'second']) {
    const opened = openShard(seal(1, name).bytes, { epochKey, slabs })
    const order = [0, 2, 1, 4, 3, 0, 11, 10, 1]
    const last: { got: Uint8Array; bytes: Uint8Array }[] = []
    for (const i of order) {
      const { id, bytes } = chunks[i]!
      last.push({ got: opened.read(id)!, bytes })
      for (const one of last.slice(-2)) t.ok(Buffer.from(one.got).equals(one.bytes))
    }
  }
})
