/** Placing: a receipt that cannot be recorded ends in a warning, not in the end of the process. */
import t from 'tap'
import { silentLogger } from '../../../src/base/log.ts'
import { defaultBackupOptions } from '../../../src/backup/options.ts'
import type { Parts } from '../../../src/backup/parts.ts'
import { Placer } from '../../../src/backup/store/placer.ts'
import { systemClock, systemRandom } from '../../../src/daemon/system/index.ts'
import { shardId, type PlaceEvent } from '../../../src/shard/index.ts'

t.test('the catalogue fails while the network goes on', async (t) => {
  const id = shardId(systemRandom.bytes(32))
  const tried = Promise.withResolvers<undefined>()
  const warnings: string[] = []
  const released: unknown[] = []
  async function* place(): AsyncGenerator<PlaceEvent> {
    yield { type: 'receipt', index: 0, receipt: { shardId: id } } as unknown as PlaceEvent
    // Long enough for a rejection that nobody looks at to be noticed.
    await tried.promise
    await systemClock.sleep(1)
    yield { type: 'done', missing: [] }
  }
  const parts = {
    options: defaultBackupOptions,
    clock: systemClock,
    log: { ...silentLogger, warn: (message: string) => warnings.push(message) },
    network: { place },
    outbox: { remove: (ids: readonly unknown[]) => Promise.resolve(released.push(...ids)) },
    catalogue: {
      commit: () => {
        tried.resolve(undefined)
        throw new Error('no room')
      },
      stripes: {
        get: () => ({ state: 'queued', n: 1, k: 1 }),
        record: () => ({ ids: [id] }),
        receipts: () => new Map(),
      },
    },
  } as unknown as Parts
  const placer = new Placer(parts)
  const notes: unknown[] = []
  placer.start(1, new AbortController().signal, (note) => notes.push(note))
  await placer.settle()
  t.same(warnings, ['a stripe could not be placed'])
  t.same([notes, released], [[], []], 'nothing was recorded, so nothing is told and no body leaves')
})
