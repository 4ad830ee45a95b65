/** Chunks that ride in the head: a reading that fails forgets none of them. */
import t from 'tap'
import type { Catalogue } from '../../../src/backup/catalogue/catalogue.ts'
import type { SealedFrame } from '../../../src/backup/catalogue/head-rows.ts'
import { makeFrame } from '../../../src/backup/head/inline.ts'
import { InlineStore } from '../../../src/backup/store/inline-store.ts'
import { systemRandom } from '../../../src/daemon/system/index.ts'
import { chunkId } from '../../../src/shard/index.ts'
import { newVault } from '../../support/vault.ts'

t.test('frames that cannot be read now stay at hand as they were', async (t) => {
  const rows: SealedFrame[] = []
  let fails = false
  const frames = (): SealedFrame[] => {
    if (fails) throw new Error('disk I/O error')
    return rows
  }
  const addFrame = (frame: Omit<SealedFrame, 'no'>): unknown => rows.push({ no: rows.length, ...frame })
  const catalogue = { heads: { frames, addFrame }, others: { frames: () => [] } } as unknown as Catalogue
  const inline = new InlineStore({ catalogue, keys: newVault().keys, random: systemRandom })
  const id = chunkId(new Uint8Array(32).fill(1))
  const frame = await makeFrame([{ id, bytes: new Uint8Array(100) }])
  if (frame !== undefined) inline.store(frame)
  inline.load()
  fails = true
  t.throws(() => {
    inline.load()
  })
  t.ok(inline.has(id))
  t.equal(inline.chunks().length, 1)
})
