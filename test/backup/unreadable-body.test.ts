/** A sealed body that cannot be read when a directory is to take it: told as ours, the others are stored. */
import { join } from 'node:path'
import t from 'tap'
import { PlexiError } from '../../src/base/errors.ts'
import { DirectoryNetwork } from '../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../src/daemon/system/index.ts'
import { SHARD_BYTES, shardRoot, stripeRecord, type PlaceEvent } from '../../src/shard/index.ts'
import { never, temporaryDirectory } from '../support/vault.ts'

t.test('one of two', async (t) => {
  const directory = join(await temporaryDirectory(t), 'shards')
  const network = new DirectoryNetwork({ directory }, { disk: systemDisk, clock: systemClock })
  const bodies = [1, 2].map((fill) => new Uint8Array(SHARD_BYTES).fill(fill))
  const group = (await network.currentGroup()).id
  const stripe = stripeRecord({ k: 2, n: 2, ids: bodies.map(shardRoot), group })
  const read = async (index: number): Promise<Uint8Array> => {
    if (index === 0) throw new PlexiError('STORAGE_IO', { reason: 'EIO' })
    return bodies[index] as Uint8Array
  }
  const events: PlaceEvent[] = []
  for await (const event of network.place({ stripe, held: new Set(), read }, never)) events.push(event)
  t.match(events, [
    { type: 'unreadable', index: 0, error: { code: 'STORAGE_IO' } },
    { type: 'receipt', index: 1 },
    { type: 'done', missing: [0] },
  ])
})
