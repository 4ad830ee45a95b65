/** A vault into which anything may be written: chunks as they are, and snapshots of whatever tree. */
import { join } from 'node:path'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { noMetrics } from '../../src/base/metrics.ts'
import { silentLogger } from '../../src/base/log.ts'
import { Catalogue } from '../../src/backup/catalogue/catalogue.ts'
import { ChunkIndex } from '../../src/backup/catalogue/chunk-index.ts'
import { defaultBackupOptions, ownThread, type EngineKeys } from '../../src/backup/index.ts'
import { KernelPool } from '../../src/backup/kernel/pool.ts'
import type { Parts } from '../../src/backup/parts.ts'
import { Places } from '../../src/backup/remotes/places.ts'
import { RemoteBook } from '../../src/backup/remotes/remote-book.ts'
import { Session } from '../../src/backup/session.ts'
import { DecodedSnapshots } from '../../src/backup/snapshot/decoded.ts'
import { encodeSnapshot, type SnapshotId } from '../../src/backup/snapshot/snapshot.ts'
import type { ChunkWriter } from '../../src/backup/store/chunk-writer.ts'
import { finishWriting } from '../../src/backup/store/finish.ts'
import { InlineStore } from '../../src/backup/store/inline-store.ts'
import { Outbox } from '../../src/backup/store/outbox.ts'
import type { NodeList } from '../../src/backup/tree/node.ts'
import { systemBlockingDisk, systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import type { ChunkId, ShardNetwork } from '../../src/shard/index.ts'
import { never } from './vault.ts'

/** What writes the chunks of hostile trees. */
export interface ChunkPut {
  put(bytes: Uint8Array): Promise<ChunkId>
}

/**
 * Stores what `make` puts and gives back as trees, each as a snapshot, in the home of an engine that is not open.
 * Returns the ids of the snapshots in the order of the trees.
 */
export async function writeSnapshots(
  { home, keys, network }: { home: string; keys: EngineKeys; network: ShardNetwork },
  make: (store: ChunkPut) => Promise<readonly NodeList[]>,
): Promise<SnapshotId[]> {
  const { parts, close } = await openParts(home, keys, network)
  const session = new Session(parts)
  try {
    return await parts.kernel.use(async () => {
      const writer = session.writer(never, { place: false, note: () => undefined })
      const trees = await make({ put: (bytes) => writer.putObject(bytes) })
      return record(session, writer, trees)
    })
  } finally {
    await close()
  }
}

async function record(session: Session, writer: ChunkWriter, trees: readonly NodeList[]): Promise<SnapshotId[]> {
  const { parts, reader } = session
  const rows: { id: SnapshotId; time: number; body: Uint8Array; chunk: ChunkId }[] = []
  for (const [i, tree] of trees.entries()) {
    const id = toHex(systemRandom.bytes(16)) as SnapshotId
    const stats = { files: 1, dirs: 1, bytes: 1, skipped: 0 }
    const about = { id, time: i, device: parts.keys.device, name: '', tags: [], paths: [], note: '' }
    const body = encodeSnapshot({ ...about, tree, stats, parent: null, partial: false }, parts.keys.shared.idMac)
    rows.push({ id, time: i, body, chunk: await writer.putObject(body) })
  }
  await finishWriting({ parts, writer, reader, signal: never }, (shards) => {
    for (const row of rows) parts.catalogue.snapshots.add({ ...row, id: fromHex(row.id), shards })
  })
  await writer.idle()
  return rows.map(({ id }) => id)
}

/** As the engine puts them together. */
async function openParts(
  dir: string,
  keys: EngineKeys,
  hosts: ShardNetwork,
): Promise<{ parts: Parts; close: () => Promise<void> }> {
  const home = {
    catalog: join(dir, 'catalog.db'),
    index: join(dir, 'index'),
    outbox: join(dir, 'outbox'),
    cache: join(dir, 'cache'),
  }
  for (const path of [dir, home.outbox, home.cache]) await systemDisk.mkdir(path)
  const base = { disk: systemDisk, clock: systemClock, random: systemRandom, log: silentLogger, metrics: noMetrics }
  const threads = ownThread({ disk: systemBlockingDisk, random: systemRandom })
  const options = defaultBackupOptions
  const catalogue = await Catalogue.open(home.catalog, systemDisk)
  const index = await ChunkIndex.open(home.index, { catalogue, disk: systemDisk })
  const outbox = await Outbox.open(options, { ...base, catalogue, directory: home.outbox })
  const inline = new InlineStore({ ...base, keys, catalogue })
  inline.load()
  const remotes = new RemoteBook({ ...base, keys, catalogue })
  const network = new Places({ hosts, book: remotes, catalogue, clock: systemClock })
  const { idMac, chunker } = keys.shared
  const setup = { idMac, chunker, epochs: keys.epochs, chunk: options.chunk, packer: options.packer }
  const kernel = new KernelPool(() => setup, { ...base, threads })
  const parts = { ...base, threads, keys, home, options, catalogue, index, outbox, inline, remotes, hosts, network }
  const close = async (): Promise<void> => {
    await remotes.close()
    await kernel.stop()
    await index.close()
    catalogue.close()
  }
  const decoded = new DecodedSnapshots(idMac)
  return { parts: { ...parts, kernel, decoded }, close }
}
