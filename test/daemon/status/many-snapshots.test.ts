/** What people ask most answers at once, also where there are a thousand snapshots: through the API, warm. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ApiClient, apiDefaults, createApiServer, singleToken } from '../../../src/api/index.ts'
import { silentLogger } from '../../../src/base/log.ts'
import type { JobRunner } from '../../../src/daemon/jobs/runner.ts'
import type { SourceBook } from '../../../src/daemon/schedule/source-book.ts'
import { Snapshots } from '../../../src/daemon/services/snapshots.ts'
import { StatusService } from '../../../src/daemon/status/status-service.ts'
import { systemClock, systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'
import { fakeServices } from '../../api/fake-services.ts'
import { addSnapshots } from '../../support/many-snapshots.ts'
import { MemoryHosts, MemoryNetwork } from '../../support/memory-network.ts'
import { collect, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../support/vault.ts'

/** The goal is 100 ms on an idle machine; a busy one gets this, and what grew with every snapshot took seconds. */
const LIMIT_MS = 500
const SNAPSHOTS = 1_000
const ROUNDS = 9

async function median(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] as number
}

t.test('status, snapshots and ls of a vault with a thousand snapshots', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  for (let i = 0; i < 100; i++) writeFileSync(join(source, `file ${String(i)}`), String(i))
  const vault = newVault()
  const setup = { keys: vault.keys, home: join(dir, 'home'), network: new MemoryNetwork(new MemoryHosts(3)) }
  const first = await openEngine({ ...setup, options: { maxInlineBytes: 0 } })
  await summaryOf(first.backup({ paths: [source] }, never))
  await first.close()
  await addSnapshots(setup.home, vault, { snapshots: SNAPSHOTS, shards: 1_000, needed: 50 })
  const engine = await openEngine(setup)
  t.teardown(() => engine.close())

  const { services: fakes } = fakeServices()
  const people = { eligible: () => [], online: () => new Set<string>(), nameOf: () => null }
  const ports = { engine, clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLogger }
  const status = new StatusService({ ...ports, people, alarms: () => [], hosting: { heldBytes: () => 0 } })
  // Reading asks neither.
  const unused = {} as { jobs: JobRunner; sources: SourceBook }
  const services = {
    ...fakes,
    snapshots: new Snapshots({ ...ports, ...unused, online: people.online }),
    system: { ...fakes.system, status: () => Promise.resolve(status.status()) },
  }
  const socketPath = join(dir, 'run/api.sock')
  const server = await createApiServer(
    { ...apiDefaults, socketPath, port: null },
    { ...ports, services, tokens: singleToken('none') },
  )
  await server.start()
  t.teardown(() => server.stop())
  const client = new ApiClient({ socketPath })

  const listed = await collect(client.list('snapshots', { query: {} }))
  t.equal(listed.length, SNAPSHOTS)
  t.match(await client.call('status', {}), { snapshots: SNAPSHOTS })
  const ref = String(listed[500]?.id)
  const asked = {
    status: () => client.call('status', {}),
    snapshots: () => collect(client.list('snapshots', { query: {} })),
    ls: () => collect(client.list('snapshotTree', { params: { ref }, query: { at: 'source' } })),
  }
  for (const [what, ask] of Object.entries(asked)) {
    const ms = await median(ask)
    t.comment(`${what}: p50 ${ms.toFixed(1)} ms`)
    t.ok(ms < LIMIT_MS, `${what} in ${ms.toFixed(1)} ms`)
  }

  await summaryOf(engine.drain(never))
  t.ok(engine.snapshots({}).every(({ placed }) => placed))
  t.equal(engine.status().placed, SNAPSHOTS)
})
