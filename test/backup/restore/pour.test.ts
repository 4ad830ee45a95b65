import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { PieceTable } from '../../../src/backup/restore/pieces.ts'
import type { PourFile } from '../../../src/backup/restore/pour-job.ts'
import { pour } from '../../../src/backup/restore/pour.ts'
import { defaultPackerOptions, SHARD_BYTES, ShardPacker, type SealedShard } from '../../../src/shard/index.ts'
import { systemBlockingDisk } from '../../../src/daemon/system/index.ts'
import { chatter, chunkOf, epoch, epochKey, idMac, noise, random, type Chunk } from '../../shard/samples.ts'
import { temporaryDirectory } from '../../support/vault.ts'

const chunks = [chunkOf(noise(50_000, 1)), chunkOf(chatter(60_000, 2))]
const shard = sealed('one', chunks)
const other = sealed('two', [chunkOf(noise(40_000, 3))])
const deps = { disk: systemBlockingDisk, idMac, epochKey }

function sealed(salt: string, content: readonly Chunk[]): SealedShard {
  const packer = new ShardPacker(defaultPackerOptions, { epoch, random: random(salt) })
  packer.addAll(content.map((chunk) => ({ ...chunk, kind: 'data' })))
  return packer.flush()[0]!
}

function pourInto(file: string, bytes: Uint8Array, wanted: readonly Chunk[] = chunks, end?: PourFile['end']) {
  const pieces = new PieceTable()
  let at = 0
  for (const { id, bytes: plain } of wanted) {
    pieces.add({ chunk: id, file: 0, from: 0, length: plain.length, at })
    at += plain.length
  }
  const job = { shard: { bytes, id: shard.id }, pieces: pieces.packed(), verify: false }
  const whole = end === undefined ? { shared: true } : { shared: false, end }
  return pour({ ...job, files: [{ staged: file, ...whole }] }, deps)
}

t.test('a shard is poured into its file', async (t) => {
  const file = join(await temporaryDirectory(t), 'file')
  t.match(pourInto(file, shard.bytes), { bytes: 110_000, failed: [] })
  t.ok(readFileSync(file).equals(Buffer.concat(chunks.map(({ bytes }) => bytes))))
})

t.test('bytes that are not the shard are refused as such, and nothing is written', async (t) => {
  const file = join(await temporaryDirectory(t), 'file')
  const refused = { code: 'STORAGE_SHARD_CORRUPT' }
  fc.assert(
    fc.property(fc.nat(SHARD_BYTES - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(shard.bytes)
      flipped[at]! ^= 1 << bit
      t.throws(() => pourInto(file, flipped), refused)
    }),
    {
      numRuns: 20,
      examples: [
        [0, 0],
        [8, 0],
        [50, 1],
        [SHARD_BYTES - 1, 7],
      ],
    },
  )
  t.throws(() => pourInto(file, other.bytes), refused, 'a shard of the same vault')
  t.throws(() => pourInto(file, shard.bytes.subarray(1)), refused)
  t.throws(() => readFileSync(file), { code: 'ENOENT' })
})

t.test('a damaged chunk fails its own file only, and harms none poured beside it', async (t) => {
  const directory = await temporaryDirectory(t)
  const fileOf = (name: string): string => join(directory, name)
  // A frame each: more than are kept inflated.
  const [first, damaged, last] = [5, 6, 7].map((seed) => chunkOf(chatter(60_000, seed))) as [Chunk, Chunk, Chunk]
  const packer = new ShardPacker({ ...defaultPackerOptions, frameBytes: 1 }, { epoch, random: random('three') })
  packer.addAll([first, { ...damaged, bytes: chatter(60_000, 8) }, last])
  const pieces = new PieceTable()
  for (const [file, { id }] of [first, damaged, last].entries())
    pieces.add({ chunk: id, file, from: 0, length: 60_000, at: 0 })
  const files = ['first', 'damaged', 'last'].map((name) => ({ staged: fileOf(name), shared: true }))
  const job = { shard: packer.flush()[0]!, pieces: pieces.packed(), files, verify: false }
  const { failed } = pour(job, deps)
  t.match(failed, [{ file: 1, code: 'STORAGE_CHUNK_CORRUPT' }])
  t.equal(failed.length, 1)
  t.ok(readFileSync(fileOf('first')).equals(first.bytes))
  t.ok(readFileSync(fileOf('last')).equals(last.bytes))
})

t.test('what the right shard does not hold fails its file', async (t) => {
  const file = join(await temporaryDirectory(t), 'file')
  const result = pourInto(file, shard.bytes, [...chunks, chunkOf(noise(10, 4))])
  t.match(result, { failed: [{ file: 0, code: 'STORAGE_CHUNK_CORRUPT' }] })
})

t.test('a whole file gets its length: holes at its end, leftovers of an earlier try', async (t) => {
  const folder = await temporaryDirectory(t)
  const look = { mode: 0o640, mtimeNs: 1_700_000_000_000_000_001n }
  const plain = Buffer.concat(chunks.map(({ bytes }) => bytes))
  for (const [name, size, before] of [
    ['exact', plain.length, undefined],
    ['hole', plain.length + 70_000, undefined],
    ['leftover', plain.length, Buffer.alloc(plain.length + 5, 7)],
  ] as const) {
    const [staged, path] = [join(folder, `${name}.staged`), join(folder, name)]
    if (before !== undefined) writeFileSync(staged, before)
    const result = pourInto(staged, shard.bytes, chunks, { path, size, look })
    t.match(result, { failed: [] }, name)
    t.ok(readFileSync(path).equals(Buffer.concat([plain, Buffer.alloc(size - plain.length)])), name)
    t.equal(statSync(path).mode & 0o777, 0o640, name)
    t.equal(statSync(path, { bigint: true }).mtimeNs, look.mtimeNs, name)
  }
})
