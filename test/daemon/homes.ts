/** Homes and daemons of one test, all on loopback and all in this process; closed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ApiClient, type Job, type JobEvent } from '../../src/api/index.ts'
import { homePaths, type HomePaths } from '../../src/config/home.ts'
import { openDaemon, type RunningDaemon } from '../../src/daemon/daemon.ts'
import { initHome } from '../../src/daemon/identity/init.ts'
import { systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'

export class Homes {
  readonly root = mkdtempSync(join(tmpdir(), 'plexi-'))
  readonly #running = new Map<string, RunningDaemon>()

  constructor(t: Test) {
    t.teardown(async () => {
      for (const name of [...this.#running.keys()].toReversed()) await this.stop(name)
      rmSync(this.root, { recursive: true, force: true })
    })
  }

  paths(name: string): HomePaths {
    return homePaths(join(this.root, name), {})
  }

  init(name: string): Promise<{ vault: string; peerId: string; phrase: string }> {
    const request = { paths: this.paths(name), name, offerBytes: 2 ** 30 }
    return initHome(request, { disk: systemDisk, clock: systemClock, random: systemRandom })
  }

  /** Without `bootstrap` it is the one of its settings. */
  async start(name: string, bootstrap?: readonly string[]): Promise<RunningDaemon> {
    const flags = { 'network.listen': ['/ip4/127.0.0.1/tcp/0'], 'network.bootstrap': bootstrap, 'api.port': 0 }
    const request = { paths: this.paths(name), env: {}, version: '0.0.0', flags }
    const daemon = await openDaemon(request)
    this.#running.set(name, daemon)
    return daemon
  }

  async stop(name: string): Promise<void> {
    const daemon = this.#running.get(name)
    this.#running.delete(name)
    await daemon?.stop()
  }

  client(name: string): ApiClient {
    return new ApiClient({ socketPath: this.paths(name).socket })
  }
}

/** Follows a job to its end and returns its last event. */
export async function endOf(client: ApiClient, job: Job): Promise<JobEvent | undefined> {
  let last: JobEvent | undefined
  for await (const frame of client.follow({ job: job.id }, AbortSignal.timeout(30_000))) {
    if (frame.type === 'job') last = frame.event
  }
  return last
}

/** Waits until `look` gives something, at most 30 s. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  const signal = AbortSignal.timeout(30_000)
  for (;;) {
    signal.throwIfAborted()
    const found = await look()
    if (found !== undefined) return found
    await systemClock.sleep(50)
  }
}
