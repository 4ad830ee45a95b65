/**
 * The demo's plot: real daemons on loopback, a backup, hosts killed with SIGKILL, the owner's machine lost, everything
 * back from 24 words. It talks to the program only through its commands, so what it shows is what users get.
 */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { mapBounded } from '../../../base/queue.ts'
import { PlexiError } from '../../../base/errors.ts'
import { cliClock } from '../../clock.ts'
import { compareRestored, type Comparison } from './compare-trees.ts'
import { ProcessSet, type DaemonProcess } from './processes.ts'
import { writeSampleData } from './sample-data.ts'

export interface DemoOptions {
  /** Daemons in all: one owner, the rest hosts. */
  readonly nodes: number
  readonly kill: number
  /** Backed up instead of the sample data. */
  readonly path?: string
}

export interface DemoSummary {
  readonly nodes: number
  readonly killed: number
  readonly k: number
  readonly n: number
  readonly bytes: number
  readonly restored: number
  readonly identical: boolean
  readonly seconds: number
  readonly differences: readonly string[]
}

/** One chapter of the story, for people and for `--json`. */
export interface DemoStep {
  readonly step: string
  readonly text: string
  readonly seconds: number
}

/** Starting all at once makes every daemon slow; two at a time keeps both cores of a small machine busy. */
const STARTS_AT_ONCE = 2

/** Runs the whole story, yielding its chapters; returns the summary. Cleans up whatever happens. */
export async function* demo(options: DemoOptions, signal: AbortSignal): AsyncGenerator<DemoStep, DemoSummary> {
  const folder = await mkdtemp(join(tmpdir(), 'plexichat-demo-'))
  const processes = new ProcessSet()
  try {
    return yield* new Story(folder, processes, { ...options, signal }).tell()
  } finally {
    await processes.stopEverything()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

class Story {
  readonly #folder: string
  readonly #processes: ProcessSet
  readonly #options: DemoOptions & { signal: AbortSignal }
  readonly #start = cliClock.elapsed()
  #last = this.#start

  constructor(folder: string, processes: ProcessSet, options: DemoOptions & { signal: AbortSignal }) {
    this.#folder = folder
    this.#processes = processes
    this.#options = options
  }

  async *tell(): AsyncGenerator<DemoStep, DemoSummary> {
    const { nodes, kill, path } = this.#options
    const paths = path === undefined ? await writeSampleData(join(this.#folder, 'data')) : [resolve(path)]
    await stat(paths[0] as string)
    yield this.#step(
      'data',
      path === undefined ? 'wrote a chat export and a folder of documents' : `will back up ${path}`,
    )

    const hosts = await this.#startHosts(nodes - 1)
    const { owner, phrase } = await this.#startOwner(hosts[0] as DaemonProcess)
    yield this.#step(
      'network',
      `started ${String(nodes)} daemons on loopback: 1 owner and ${String(nodes - 1)} hosts, found through one address`,
    )

    const backup = await this.#json(['backup', ...paths, '--name', 'demo'], owner.home)
    const shape = { k: Number(backup['k']), n: Number(backup['n']) }
    yield this.#step(
      'backup',
      `backed up ${String(backup['files'])} files, ${mebibytes(backup['bytes'])}, as ${String(backup['stripes'])} stripes of ${String(shape.k)}-of-${String(shape.n)} encrypted 1 MiB shards`,
    )

    const victims = await this.#victims(owner, hosts)
    await Promise.all(victims.map((host) => host.kill()))
    yield this.#step(
      'kill',
      `killed ${String(kill)} hosts with SIGKILL: the ones with the most data shards, the bootstrap host among them`,
    )

    await owner.kill()
    await rm(owner.home, { recursive: true, force: true })
    yield this.#step('lost', "killed the owner's daemon and deleted its home: only the 24 words are left")

    const survivor = hosts.find((host) => !victims.includes(host)) as DaemonProcess
    const { target, restored } = await this.#recoverAndRestore(phrase, survivor)
    yield this.#step(
      'restore',
      `recovered from the words through one living host and restored ${String(restored['files'])} files`,
    )

    const { systemDisk } = await import('../../../daemon/index.ts')
    const comparison = await compareRestored(paths, target, systemDisk)
    yield this.#step('compare', verdict(comparison))
    return {
      nodes,
      killed: kill,
      ...shape,
      bytes: comparison.bytes,
      restored: Number(restored['files']),
      identical: comparison.differences.length === 0,
      seconds: seconds(this.#start),
      differences: comparison.differences,
    }
  }

  async #startHosts(count: number): Promise<DaemonProcess[]> {
    const first = await this.#startHost(0, [])
    const bootstrap = ['--bootstrap', first.ready.addresses[0] as string]
    const rest = Array.from({ length: count - 1 }, (_, i) => i + 1)
    return [first, ...(await mapBounded(rest, STARTS_AT_ONCE, (i) => this.#startHost(i, bootstrap)))]
  }

  async #startHost(index: number, args: readonly string[]): Promise<DaemonProcess> {
    const home = join(this.#folder, `host-${String(index)}`)
    await this.#json(['init', '--name', `host-${String(index)}`, '--offer', '2GiB'], home)
    return this.#daemon(home, args)
  }

  async #startOwner(bootstrap: DaemonProcess): Promise<{ owner: DaemonProcess; phrase: string }> {
    const home = join(this.#folder, 'owner')
    const { phrase } = await this.#json(['init', '--name', 'owner', '--offer', '0'], home)
    return {
      owner: await this.#daemon(home, ['--bootstrap', bootstrap.ready.addresses[0] as string]),
      phrase: String(phrase),
    }
  }

  /** The hosts to kill: the bootstrap host first, then those that hold most data shards. */
  async #victims(owner: DaemonProcess, hosts: readonly DaemonProcess[]): Promise<DaemonProcess[]> {
    const { shards } = (await this.#json(['shard', 'ls'], owner.home)) as unknown as { shards: ShardLine[] }
    const held = new Map<string, number>()
    for (const shard of shards.filter(({ index, k }) => index < k)) {
      for (const { peer } of shard.holders) held.set(peer, (held.get(peer) ?? 0) + 1)
    }
    const weight = (host: DaemonProcess) => (host === hosts[0] ? Infinity : (held.get(host.ready.peerId) ?? 0))
    return hosts.toSorted((a, b) => weight(b) - weight(a)).slice(0, this.#options.kill)
  }

  async #recoverAndRestore(
    phrase: string,
    survivor: DaemonProcess,
  ): Promise<{ target: string; restored: Record<string, unknown> }> {
    const home = join(this.#folder, 'new-machine')
    const words = join(this.#folder, 'words')
    await writeFile(words, `${phrase}\n`, { mode: 0o600 })
    const bootstrap = ['--bootstrap', survivor.ready.addresses[0] as string]
    await this.#json(['recover', '--phrase-file', words, ...bootstrap], home)
    await this.#daemon(home, bootstrap)
    const target = join(this.#folder, 'restored')
    await mkdir(target)
    return { target, restored: await this.#json(['restore', 'latest', '--to', target], home) }
  }

  #daemon(home: string, args: readonly string[]): Promise<DaemonProcess> {
    return this.#processes.daemon(['--listen', '/ip4/127.0.0.1/tcp/0', '--api-port', '0', ...args], {
      home,
      signal: this.#options.signal,
    })
  }

  #json(args: readonly string[], home: string): Promise<Record<string, unknown>> {
    return this.#processes.json(args, { home, signal: this.#options.signal })
  }

  #step(step: string, text: string): DemoStep {
    const since = seconds(this.#last)
    this.#last = cliClock.elapsed()
    return { step, text, seconds: since }
  }
}

interface ShardLine {
  readonly id: string
  readonly index: number
  readonly k: number
  readonly holders: readonly { peer: string }[]
}

/** Refuses numbers that could not end well, before anything is started. */
export function checkDemoOptions({ nodes, kill }: DemoOptions): void {
  const wrong = (reason: string) => new PlexiError('VALIDATION_USAGE', { reason })
  if (!Number.isInteger(nodes) || nodes < 3 || nodes > 40) throw wrong('--nodes must be between 3 and 40')
  if (!Number.isInteger(kill) || kill < 0 || kill > nodes - 2) throw wrong('--kill must leave at least one host alive')
}

function verdict({ files, dirs, links, bytes, differences }: Comparison): string {
  if (differences.length > 0) return `NOT identical: ${differences.slice(0, 3).join('; ')}`
  return `identical: ${String(files)} files, ${String(dirs)} folders, ${String(links)} links, ${mebibytes(bytes)}, byte by byte, with modes and times`
}

function mebibytes(bytes: unknown): string {
  return `${(Number(bytes) / 1024 / 1024).toFixed(1)} MiB`
}

function seconds(since: number): number {
  return Math.round((cliClock.elapsed() - since) / 100) / 10
}
