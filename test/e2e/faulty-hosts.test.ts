/** Hosts that die in the middle, hang, or are full: the backup completes on the others and says what happened. */
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { hostedShards, TestCircle } from '../support/circle.ts'
import type { DaemonProcess } from '../../src/cli/offline/demo/processes.ts'

/** Enough to be in the middle of it for a while; more where hosts have to become full. */
const MEBIBYTES = 10

interface Scenario {
  readonly name: string
  readonly offers?: Record<number, string>
  readonly mebibytes?: number
  /** Runs while the backup is under way, once the host holds its first shard. */
  readonly trouble: (host: DaemonProcess) => void | Promise<void>
  readonly cleanUp?: (host: DaemonProcess) => void
  /** What the summary must say about the host. */
  readonly says: RegExp
}

const scenarios: Scenario[] = [
  { name: 'is killed in the middle of a put', trouble: (host) => host.kill(), says: /offline|timeout|protocol/ },
  {
    name: 'hangs',
    trouble: (host) => {
      process.kill(host.ready.pid, 'SIGSTOP')
    },
    cleanUp: (host) => {
      process.kill(host.ready.pid, 'SIGCONT')
    },
    says: /timeout|offline/,
  },
  { name: 'is full', offers: { 1: '8MiB', 2: '8MiB' }, mebibytes: 24, trouble: () => undefined, says: /full/ },
]

for (const scenario of scenarios) {
  t.test(`a host that ${scenario.name}`, async (t) => {
    const circle = new TestCircle()
    t.teardown(() => circle.close())
    await circle.startHosts(6, scenario.offers)
    const owner = await circle.startOwner()
    const source = circle.makeFolder('source')
    writeFileSync(join(source, 'random'), randomBytes((scenario.mebibytes ?? MEBIBYTES) * 1024 * 1024))

    const backup = circle.run(['backup', source, '--json'], owner.home)
    const victim = await firstToHold(circle.hosts.slice(1))
    await scenario.trouble(victim)
    const result = await backup
    scenario.cleanUp?.(victim)

    t.equal(result.code, 0, result.stderr)
    const lines = result.stdout.trim().split('\n')
    const summary = JSON.parse(lines.at(-1) ?? '') as { type: string; stripes: number; placed: number }
    t.equal(summary.type, 'summary')
    t.equal(summary.placed, summary.stripes, 'every stripe is placed on the others')
    t.match(result.stdout, scenario.says, 'and the summary says what happened')

    const target = circle.makeFolder('restored')
    await circle.json(['restore', 'latest', '--to', target], owner.home)
    t.same((await compareRestored([source], target)).differences, [])
  })
}

/** Waits until one of `hosts` has stored a shard and returns it. */
async function firstToHold(hosts: readonly DaemonProcess[]): Promise<DaemonProcess> {
  const limit = AbortSignal.timeout(60_000)
  for (;;) {
    limit.throwIfAborted()
    const found = hosts.find(({ home }) => hasShards(home))
    if (found !== undefined) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function hasShards(home: string): boolean {
  try {
    return hostedShards(home).length > 0
  } catch {
    return false
  }
}
