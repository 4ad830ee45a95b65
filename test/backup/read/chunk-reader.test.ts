/** Finding shards from their neighbours: as the index says, with far fewer questions, and never in what is lost. */
import { join } from 'node:path'
import t from 'tap'
import { Catalogue } from '../../../src/backup/catalogue/catalogue.ts'
import { prefixesOf } from '../../../src/backup/catalogue/chunk-index.ts'
import type { Parts } from '../../../src/backup/parts.ts'
import { ChunkReader } from '../../../src/backup/read/chunk-reader.ts'
import { ShardReader } from '../../../src/backup/read/shard-reader.ts'
import { defaultBackupOptions } from '../../../src/backup/options.ts'
import { chunkId, shardId, type ChunkId, type ShardId } from '../../../src/shard/index.ts'
import { systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'
import { concat } from '../../../src/base/bytes.ts'
import { temporaryDirectory } from '../../support/vault.ts'

const CHUNKS = 50

t.test('neighbours', async (t) => {
  const catalogue = await Catalogue.open(join(await temporaryDirectory(t), 'catalog.db'), systemDisk)
  t.teardown(() => {
    catalogue.close()
  })
  const shards = [0, 1].map(() => ({ id: shardId(systemRandom.bytes(32)), chunks: newChunks() }))
  const [first, second] = shards as [(typeof shards)[0], (typeof shards)[0]]
  const where = new Map<string, ShardId>()
  const nos = shards.map(({ id, chunks }) => {
    for (const chunk of chunks) where.set(String(chunk), id)
    const prefixes = prefixesOf(concat(...chunks))
    const rest = { parity: false, kind: 1, epoch: 1, usedBytes: 1, prefixes, inOutbox: true }
    return catalogue.commit(() => catalogue.shards.add({ id, ...rest }))
  })
  let asked = 0
  const index = {
    find: (chunk: ChunkId): ShardId | undefined => {
      asked++
      return where.get(String(chunk))
    },
  }
  const parts = { index, catalogue, options: defaultBackupOptions } as unknown as Parts
  const chunks = new ChunkReader(parts, new ShardReader(parts))

  const locate = chunks.streamLocator()
  for (const [i, { chunks: wanted }] of shards.entries()) for (const chunk of wanted) t.equal(locate(chunk)?.no, nos[i])
  t.equal(asked, 4, 'two questions a shard')
  t.equal(locate(chunkId(systemRandom.bytes(32))), undefined, 'nobody knows it')

  // Stored again because its shard was lost: the index says where, the lost shard still lists it.
  const moved = first.chunks[7] as ChunkId
  where.set(String(moved), second.id)
  catalogue.commit(() => {
    catalogue.shards.setLost(nos[0] as number, true)
  })
  const again = chunks.streamLocator()
  for (const chunk of first.chunks.slice(0, 5)) t.equal(again(chunk)?.no, nos[0])
  t.equal(again(moved)?.no, nos[1], 'what a lost shard lists is not relied on')
})

function newChunks(): ChunkId[] {
  return Array.from({ length: CHUNKS }, () => chunkId(systemRandom.bytes(32)))
}
