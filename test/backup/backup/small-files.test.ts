/** Batches of small files: whose memory is whose when one fails. */
import t from 'tap'
import type { ContentDeps } from '../../../src/backup/backup/content-deps.ts'
import { SmallFiles } from '../../../src/backup/backup/small-files.ts'
import { SlabPool } from '../../../src/backup/kernel/slabs.ts'
import type { WalkEntry } from '../../../src/backup/sources/walk.ts'

const stat = { size: 10, mtimeNs: 0n, inode: 1n }
const entry = { name: Buffer.from('a.json'), path: Buffer.from('/a.json'), stat } as unknown as WalkEntry
const result = {
  ...{ states: Uint8Array.of(0), sizes: Uint32Array.of(10), pieces: Uint32Array.of(1) },
  ...{ ids: new Uint8Array(32), lengths: Uint32Array.of(10), reasons: {}, xattrs: {} },
}

t.test('a slab that a packer still reads is not given to the next batch, also when its own failed', async (t) => {
  const packing = Promise.withResolvers<undefined>()
  const slabs = new SlabPool({ bytes: 100, limit: 1 })
  const look = (): never => {
    throw new Error('odd')
  }
  const deps = {
    ...{ slabs, exports: { look }, store: { putPieces: () => packing.promise }, counters: { bytesDone: 0 } },
    ...{ parts: { options: { readBlockBytes: 100 }, kernel: { run: async () => result } }, progress: () => undefined },
  }
  const small = new SmallFiles(deps as unknown as ContentDeps)
  const written = small.add(entry)
  small.send()
  await t.rejects(written, { message: 'odd' })
  let free = false
  const next = slabs.take().then(() => {
    free = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(free, 'it is being read')
  packing.resolve(undefined)
  await next
  t.ok(free)
})
