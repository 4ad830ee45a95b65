/**
 * Leaving heads with up to 12 hosts, and finding them again (docs/spec/06-dht-records.md, publishing and recovery).
 * Invariant: what is found counts for nothing here; whoever asked verifies it against the vault's key.
 */
import { deadline, type Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { mapBounded } from '../../base/queue.ts'
import type { Random } from '../../base/random.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { openNotice, type FoundHead, type GroupHost, type HeadBundle, type HostFault } from '../../shard/index.ts'
import type { DialPolicy } from '../dial-policy.ts'
import type { HeadDirectory } from '../dht/head-directory.ts'
import { makeHeadRecords, periodAt } from '../dht/head-records.ts'
import { headRecordFormat, type NodeLimits } from '../options.ts'
import { hostFault } from '../protocols/index.ts'
import type { HostCalls } from './host-calls.ts'
import type { PeerLinks } from './peer-links.ts'

export interface HeadDeps {
  readonly calls: HostCalls
  readonly links: Pick<PeerLinks, 'rest' | 'resting'>
  readonly directory: HeadDirectory
  readonly policy: Pick<DialPolicy, 'allow'>
  readonly rendezvous: Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Heads kept from one recovery. Every host has the same share of it, so that none crowds out what another keeps. */
const MAX_FOUND = 256

export class Heads {
  readonly #limits: NodeLimits
  readonly #deps: HeadDeps

  constructor(limits: NodeLimits, deps: HeadDeps) {
    this.#limits = limits
    this.#deps = deps
  }

  /** `hosts` in order of preference; the first 12 that accept keep the head, and the DHT points to 8 of them. */
  async publish(
    bundle: HeadBundle,
    hosts: readonly GroupHost[],
    signal: AbortSignal,
  ): Promise<{ hosts: PeerKey[]; faults: HostFault[] }> {
    const { clock, directory, links } = this.#deps
    const awake = hosts.filter((host) => !links.resting(host.peer))
    const targets = awake.slice(0, this.#limits.maxHeadHosts)
    const records = this.#records(targets, clock.now())
    const values = records.map((record) => record.value)
    const kept: GroupHost[] = []
    const faults: HostFault[] = []
    const leave = async (host: GroupHost): Promise<void> => {
      const fault = await this.#leave(host, { bundle, records: values }, signal)
      if (fault === undefined) kept.push(host)
      else faults.push(fault)
    }
    await mapBounded(targets, this.#limits.maxAsksAtOnce, leave)
    for (const host of awake.slice(targets.length)) {
      if (kept.length >= this.#limits.maxHeadHosts) break
      await leave(host)
    }
    signal.throwIfAborted()
    if (kept.length > 0) {
      const period = periodAt(clock.now())
      const right = faults.length === 0 ? records : this.#records(kept, clock.now())
      const now = right.filter((record) => record.period === period)
      const keepers = await directory.put(now, signal)
      this.#deps.log.debug('head published', { hosts: kept.length, dht: keepers })
    }
    return { hosts: kept.map((host) => host.peer), faults }
  }

  /** Where the vault's own records in the DHT say its heads are; these addresses may be dialled, whatever they are. */
  async pointers(signal: AbortSignal): Promise<GroupHost[]> {
    const found = await this.#deps.directory.find(this.#deps.rendezvous, signal)
    const hosts = new Map<PeerKey, GroupHost>()
    for (const pointer of found) {
      for (const host of pointer.hosts) {
        for (const address of host.addresses) this.#deps.policy.allow(address)
        if (!hosts.has(host.peer)) hosts.set(host.peer, host)
      }
    }
    return [...hosts.values()]
  }

  /** Asks every one of `hosts`; who does not answer is left out. Of a host that gives too many, the newest are kept. */
  async collect(hosts: readonly GroupHost[], signal: AbortSignal): Promise<FoundHead[]> {
    const share = Math.max(1, Math.floor(MAX_FOUND / Math.max(1, hosts.length)))
    const answers = await mapBounded(hosts, this.#limits.maxAsksAtOnce, async (host) => {
      const wait = deadline(this.#deps.clock, this.#limits.shardTimeoutMs, signal)
      try {
        return newest(await this.#deps.calls.getHeads(host, wait.signal), share)
      } catch (error) {
        this.#deps.log.debug('a member gave no head', { peer: host.peer, error })
        return []
      } finally {
        wait.clear()
      }
    })
    signal.throwIfAborted()
    return answers.flat().slice(0, MAX_FOUND)
  }

  #records(hosts: readonly GroupHost[], made: number): ReturnType<typeof makeHeadRecords> {
    return makeHeadRecords(
      this.#deps.rendezvous,
      { made, hosts, first: periodAt(made), periods: headRecordFormat.periodsAhead },
      this.#deps.random,
    )
  }

  async #leave(
    host: GroupHost,
    head: { bundle: HeadBundle; records: readonly Uint8Array[] },
    signal: AbortSignal,
  ): Promise<HostFault | undefined> {
    const wait = deadline(this.#deps.clock, this.#limits.shardTimeoutMs, signal)
    try {
      await this.#deps.calls.putHead(host, head, wait.signal)
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      const fault = hostFault(host.peer, error)
      if (fault.why === 'timeout' || fault.why === 'offline') this.#deps.links.rest(host.peer)
      return fault
    } finally {
      wait.clear()
    }
  }
}

function newest(heads: readonly FoundHead[], count: number): FoundHead[] {
  if (heads.length <= count) return [...heads]
  const sorted = heads.map((head) => ({ head, seq: openNotice(head.bundle.notice).seq })).sort((a, b) => b.seq - a.seq)
  return sorted.slice(0, count).map(({ head }) => head)
}
