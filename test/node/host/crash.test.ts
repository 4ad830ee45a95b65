import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fromHex } from '../../../src/base/bytes.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { noMetrics } from '../../../src/base/metrics.ts'
import { vaultId } from '../../../src/crypto/ids.ts'
import { systemClock, systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'
import { HostStore } from '../../../src/node/host/index.ts'
import { shardId, verifyShard } from '../../../src/shard/index.ts'
import { hostOptions, temporaryDirectory } from '../storage-fixture.ts'

const child = fileURLToPath(new URL('crash-child.ts', import.meta.url))
const vault = vaultId(new Uint8Array(32).fill(5))
const ROUNDS = 3

t.test('what was acknowledged before a SIGKILL is there after it, under its number', async (t) => {
  const path = join(await temporaryDirectory(t), 'hosted')
  const acknowledged = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    const lines = await killedAfter(path, { seed: `crash ${String(round)}`, lines: 5 + 7 * round })
    for (const line of lines) {
      const [id = '', number] = line.split(' ')
      acknowledged.set(id, Number(number))
    }
  }
  const ports = { disk: systemDisk, clock: systemClock, random: systemRandom, log: silentLogger, metrics: noMetrics }
  const store = new HostStore(hostOptions(), { ...ports, path })
  await store.open()
  t.teardown(() => store.stop())
  t.ok(acknowledged.size >= 5 + 12 + 19)
  t.equal(new Set(acknowledged.values()).size, acknowledged.size, 'no number was given away twice')
  for (const [hex, number] of acknowledged) {
    const id = shardId(fromHex(hex))
    const found = await store.shards.lookup({ vault, id })
    const intact = verifyShard(await store.shards.read({ vault, id }), id)
    if (found?.number !== number || !intact) t.fail('an acknowledged shard is lost', { hex, number, found })
  }
  let listed = 0
  for await (const _ of store.hosted()) listed++
  t.equal(listed, store.vault(vault)?.shards, 'counters and rows agree')
})

/** Complete lines the child wrote before it was killed. */
async function killedAfter(path: string, run: { seed: string; lines: number }): Promise<string[]> {
  const process_ = spawn(process.execPath, [child, path, run.seed], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  process_.stdout.setEncoding('utf8')
  process_.stdout.on('data', (text: string) => {
    output += text
    if (output.split('\n').length > run.lines) process_.kill('SIGKILL')
  })
  await once(process_, 'close')
  return output.split('\n').slice(0, -1)
}
