/** A vault with many snapshots, written into its catalogue: what lists cost, without backing up a thousand times. */
import { join } from 'node:path'
import { Catalogue } from '../../src/backup/catalogue/catalogue.ts'
import { fromHex } from '../../src/base/bytes.ts'
import { decodeSnapshot, encodeSnapshot } from '../../src/backup/snapshot/snapshot.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { chunkId, groupId, shardId, stripeId } from '../../src/shard/index.ts'
import { systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import type { TestVault } from './vault.ts'

export interface Many {
  readonly snapshots: number
  /** Data shards of the vault, one a stripe of 3 copies. */
  readonly shards: number
  /** How many of them each snapshot needs. */
  readonly needed: number
}

/**
 * Repeats the newest snapshot of a closed engine until there are `snapshots`, an hour apart, each with shards of its own.
 * None of the added shards can be read; trees are those of the first snapshot.
 */
export async function addSnapshots(home: string, { keys }: TestVault, many: Many): Promise<void> {
  const catalogue = await Catalogue.open(join(home, 'catalog.db'), systemDisk)
  const [newest] = catalogue.snapshots.all()
  if (newest === undefined) throw new Error('no snapshot to repeat')
  const first = decodeSnapshot(newest.body, keys.shared.idMac)
  const group = catalogue.stripes.live()[0]?.group ?? groupId(new Uint8Array(16))
  const hosts = [...catalogue.stripes.receipts(catalogue.stripes.live()[0]?.no ?? 0).values()]
  catalogue.commit(() => {
    const numbers = Array.from({ length: many.shards }, (_, i) => {
      const id = shardId(sha256(Buffer.from(`shard ${String(i)}`)))
      const ids = [id, id, id]
      const no = catalogue.stripes.add({ id: stripeId(sha256(id)), k: 1, n: 3, ids, group }, 'placed')
      for (const [position, host] of hosts.entries())
        catalogue.stripes.addReceipt(no, position, {
          shardId: id,
          host,
          number: i,
          time: 0,
          bytes: 0,
          signed: new Uint8Array(64),
        })
      const body = { parity: false, kind: 1, epoch: 1, usedBytes: 1, prefixes: new Uint8Array(16), inOutbox: false }
      return catalogue.shards.add({ id, ...body, stripe: no, position: 0 })
    })
    for (let i = 1; i < many.snapshots; i++) {
      const id = systemRandom.bytes(16)
      const time = first.time - i * 3_600_000
      const snapshot = { ...first, id: Buffer.from(id).toString('hex') as typeof first.id, time }
      const body = encodeSnapshot(snapshot, keys.shared.idMac)
      const from = Math.floor(((many.shards - many.needed) * i) / many.snapshots)
      const shards = new Set([...(newest.shards ?? []), ...numbers.slice(from, from + many.needed)])
      catalogue.snapshots.add({ id: fromHex(snapshot.id), time, chunk: chunkId(sha256(body)), body, shards })
    }
  })
  catalogue.close()
}
