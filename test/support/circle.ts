/**
 * A circle of real daemon processes on loopback for end-to-end tests: ports chosen by the system, temporary homes,
 * every process ended and every file removed by `close`.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mapBounded } from '../../src/base/queue.ts'
import { ProcessSet, type CommandResult, type DaemonProcess } from '../../src/cli/offline/demo/processes.ts'

export const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--api-port', '0']

export class TestCircle {
  readonly folder = mkdtempSync(join(tmpdir(), 'plexi-e2e-'))
  readonly processes = new ProcessSet()
  readonly hosts: DaemonProcess[] = []
  phrase = ''

  /** Starts `count` hosts; all but the first know only the first one's address. `offers` overrides single hosts' offers. */
  async startHosts(count: number, offers: Readonly<Record<number, string>> = {}): Promise<void> {
    const start = async (index: number): Promise<DaemonProcess> => {
      const home = this.home(`host-${String(index)}`)
      await this.json(['init', '--name', `host-${String(index)}`, '--offer', offers[index] ?? '4GiB'], home)
      return this.daemon(home)
    }
    this.hosts.push(await start(0))
    const rest = Array.from({ length: count - 1 }, (_, i) => i + 1)
    this.hosts.push(...(await mapBounded(rest, 2, start)))
  }

  async startOwner(name = 'owner'): Promise<DaemonProcess> {
    const home = this.home(name)
    const { phrase } = await this.json(['init', '--name', name, '--offer', '0'], home)
    this.phrase = String(phrase)
    return this.daemon(home)
  }

  /** A daemon on loopback that bootstraps from the first host, or from `via`. */
  daemon(home: string, via: DaemonProcess | undefined = this.hosts[0]): Promise<DaemonProcess> {
    return this.processes.daemon([...LOOPBACK, ...bootstrap(via)], { home })
  }

  /** Runs `recover` on a new empty home from the words and one address, and starts its daemon. */
  async recover(name: string, via: DaemonProcess): Promise<{ daemon: DaemonProcess; result: Record<string, unknown> }> {
    const home = this.home(name)
    const words = join(this.folder, `words-${name}`)
    writeFileSync(words, `${this.phrase}\n`, { mode: 0o600 })
    const result = await this.json(['recover', '--phrase-file', words, ...bootstrap(via)], home)
    return { daemon: await this.daemon(home, via), result }
  }

  run(args: readonly string[], home: string, input?: string | Uint8Array): Promise<CommandResult> {
    return this.processes.command(args, { home, ...(input === undefined ? {} : { input }) })
  }

  json(args: readonly string[], home: string): Promise<Record<string, unknown>> {
    return this.processes.json(args, { home })
  }

  home(name: string): string {
    return join(this.folder, name)
  }

  /** A new empty folder of that name. */
  makeFolder(name: string): string {
    const folder = join(this.folder, name)
    mkdirSync(folder, { recursive: true })
    return folder
  }

  async close(): Promise<void> {
    await this.processes.stopEverything()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Every hosted shard file of a home, as absolute paths. */
export function hostedShards(home: string): string[] {
  const hosted = join(home, 'hosted')
  return readdirSync(hosted, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(^|\/)[0-9a-f]{64}$/.test(name))
    .map((name) => join(hosted, name))
    .filter((path) => statSync(path).isFile())
}

/** Bytes of everything below the hosts' `hosted/` folders. */
export function hostedBytes(hosts: readonly DaemonProcess[]): number {
  return hosts
    .flatMap(({ home }) =>
      readdirSync(join(home, 'hosted'), { recursive: true, encoding: 'utf8' }).map((name) =>
        statSync(join(home, 'hosted', name)),
      ),
    )
    .filter((stat) => stat.isFile())
    .reduce((sum, stat) => sum + stat.size, 0)
}

export interface ShardLine {
  readonly id: string
  readonly stripe: string
  readonly index: number
  readonly k: number
  readonly n: number
  readonly holders: readonly { readonly peer: string }[]
}

/** `hosts` by the number of data shards they hold, most first. */
export function byDataShards(hosts: readonly DaemonProcess[], shards: readonly ShardLine[]): DaemonProcess[] {
  const held = (host: DaemonProcess) =>
    shards.filter(({ index, k, holders }) => index < k && holders.some(({ peer }) => peer === host.ready.peerId)).length
  return hosts.toSorted((a, b) => held(b) - held(a))
}

function bootstrap(via: DaemonProcess | undefined): string[] {
  return via === undefined ? [] : ['--bootstrap', via.ready.addresses[0] as string]
}
