/** What the outbox takes is what lies there: a wrong figure would have backups wait for room for ever. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Catalogue } from '../../../src/backup/catalogue/catalogue.ts'
import { defaultBackupOptions } from '../../../src/backup/options.ts'
import { Outbox } from '../../../src/backup/store/outbox.ts'
import { systemClock, systemDisk } from '../../../src/daemon/system/index.ts'
import { SHARD_BYTES, shardId } from '../../../src/shard/index.ts'
import { temporaryDirectory } from '../../support/vault.ts'

t.test(
  'a body written again, as after a job that was cut off, counts once; one that vanished counts no more',
  async (t) => {
    const directory = join(await temporaryDirectory(t), 'outbox')
    const catalogue = { shards: { inOutbox: () => [] } } as unknown as Catalogue
    const outbox = await Outbox.open(defaultBackupOptions, {
      disk: systemDisk,
      clock: systemClock,
      directory,
      catalogue,
    })
    const id = shardId(new Uint8Array(32).fill(1))
    const other = shardId(new Uint8Array(32).fill(2))
    for (const each of [id, id, other]) await outbox.put(each, new Uint8Array(SHARD_BYTES))
    t.equal(outbox.usedBytes, 2 * SHARD_BYTES)
    rmSync(outbox.path(other))
    await outbox.remove([id, other])
    t.match(outbox, { usedBytes: 0, released: 1 })
  },
)
