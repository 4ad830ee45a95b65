/**
 * Two devices of one vault, real daemons, backing up at the same moment again and again, one of them killed at a random
 * moment: the rounds that `npm test` runs a few of, and `npm run test:long` all.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { DaemonProcess } from '../../src/cli/offline/demo/processes.ts'
import type { TestCircle } from './circle.ts'
import { noise } from './source-tree.ts'

export interface Pair {
  readonly circle: TestCircle
  readonly devices: [DaemonProcess, DaemonProcess]
  /** What each snapshot name holds. */
  readonly sources: Map<string, string>
}

/** The owner, and a second machine that joined with the words. */
export async function startPair(circle: TestCircle, hosts: number): Promise<Pair> {
  await circle.startHosts(hosts)
  const first = await circle.startOwner('laptop')
  const source = makeSource(circle, 'start', 300_000)
  await circle.json(['backup', source, '--name', 'start'], first.home)
  const { daemon } = await circle.recover('desktop', circle.hosts[0] as DaemonProcess)
  return { circle, devices: [first, daemon], sources: new Map([['start', source]]) }
}

function makeSource(circle: TestCircle, name: string, bytes: number): string {
  const folder = join(circle.folder, `source-${name}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'file'), noise(name, bytes))
  return folder
}

/** Both back up at once; a random one is killed meanwhile, started again, and does it again. */
export async function round(pair: Pair, number: number, delayMs: number): Promise<void> {
  const { circle, devices, sources } = pair
  const victim = number % 2
  const work = devices.map(async (device, i) => {
    const name = `round-${String(number)}-${String(i)}`
    const source = makeSource(circle, name, 100_000 + number * 90_000)
    sources.set(name, source)
    await circle.run(['backup', source, '--name', name, '--json'], device.home).catch(() => undefined)
    return { name, source }
  })
  await new Promise((done) => setTimeout(done, delayMs))
  await (devices[victim] as DaemonProcess).kill()
  const asked = await Promise.all(work)
  devices[victim] = await circle.daemon((devices[victim] as DaemonProcess).home)
  for (const [i, { name, source }] of asked.entries())
    await circle.json(['backup', source, '--name', name], (devices[i] as DaemonProcess).home)
}

/** Each lists what both made, and restores all of it. */
export async function checkBoth(t: Test, { circle, devices, sources }: Pair): Promise<void> {
  for (const { home } of devices) {
    await circle.json(['identity', 'devices', '--sync'], home)
    const { snapshots } = (await circle.json(['snapshots'], home)) as unknown as { snapshots: { name: string }[] }
    const names = [...new Set(snapshots.map(({ name }) => name))].sort()
    t.same(names, [...sources.keys()].sort(), 'the history is complete')
    for (const [name, source] of sources) {
      const to = join(circle.folder, 'out')
      rmSync(to, { recursive: true, force: true })
      const summary = await circle.json(['restore', 'latest', '--name', name, '--to', to], home)
      t.match(summary, { failed: [], files: 1 }, name)
      const same = readFileSync(join(to, `source-${name}`, 'file')).equals(readFileSync(join(source, 'file')))
      t.ok(same, `${name} is what it was`)
    }
    t.match(await circle.json(['verify'], home), { ok: true })
  }
}
