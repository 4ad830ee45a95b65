/** A host that stores shards as fast as it can and says so; its parent kills it somewhere in between. */
import { silentLogger } from '../../../src/base/log.ts'
import { noMetrics } from '../../../src/base/metrics.ts'
import { vaultId } from '../../../src/crypto/ids.ts'
import { systemClock, systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'
import { HostStore } from '../../../src/node/host/index.ts'
import { hostOptions, sampleShard } from '../storage-fixture.ts'

const [path = '', seed = ''] = process.argv.slice(2)
const ports = { disk: systemDisk, clock: systemClock, random: systemRandom, log: silentLogger, metrics: noMetrics }
const store = new HostStore(hostOptions(), { ...ports, path })
await store.open()
const vault = vaultId(new Uint8Array(32).fill(5))

async function putForever(lane: number): Promise<never> {
  for (let i = 0; ; i++) {
    const { id, bytes } = sampleShard(`${seed} ${String(lane)} ${String(i)}`)
    const reservation = await store.reserve(vault, true, bytes.length)
    const stored = await store.shards.store({ vault, id, body: bytes, manifest: id, vouched: true }, reservation)
    process.stdout.write(`${Buffer.from(id).toString('hex')} ${String(stored.number)}\n`)
  }
}

await Promise.all([0, 1, 2].map(putForever))
