/**
 * The node: this device among its peers. Starts and stops everything below, serves the storage protocols, and offers
 * the backup engine its network and people their handles. Invariant: once `start` resolves, peers can reach it under
 * `addresses()`; once `stop` resolves, nothing of it runs any more.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Service } from '../base/lifecycle.ts'
import { stopAll } from '../base/lifecycle.ts'
import { PlexiError } from '../base/errors.ts'
import { peerKey, type PeerKey } from '../crypto/ids.ts'
import { openTerms } from '../crypto/terms.ts'
import type { GroupHost, ShardNetwork } from '../shard/index.ts'
import type { CodeDesk } from './device-desk.ts'
import { Hosting } from './hosting.ts'
import type { Membership } from './membership.ts'
import { NetReport } from './net-report.ts'
import { assemble, peerOf, type NodeDeps, type NodeParts } from './node-parts.ts'
import { transportLimits, type NodeOptions } from './options.ts'
import type { CircleBook } from './circles.ts'
import { FLUSH_MS } from './peers/peer-table.ts'
import { PeerDirectory } from './peers/peer-directory.ts'
import { eligible } from './placement/candidates.ts'
import { createHandlers, leaseDaysOf, serveDefaults, type ProtocolHandler } from './protocols/index.ts'
import { hostDefaults } from './host/index.ts'
import { SeedAdoption, type SeedProgress, type SeedSummary } from './seed-adoption.ts'
import { Libp2pWire } from './stream-adapter.ts'
import { tellTerms } from './transfer/tell-terms.ts'

export const PROTOCOL_VERSION = '1'

/** Hosts read slowly from owners that have much to do: their patience is longer than an owner's. */
const SERVER_IDLE_FACTOR = 2
const SETTLE_FIRST_MS = 2_000
const SETTLE_MAX_MS = 600_000

export class PlexiNode implements Service {
  readonly peer: PeerKey
  readonly #options: NodeOptions
  readonly #deps: NodeDeps
  readonly #stopping = new AbortController()
  #parts: NodeParts | undefined
  #settling: Promise<void> = Promise.resolve()
  #flushing: Promise<void> = Promise.resolve()

  constructor(options: NodeOptions, deps: NodeDeps) {
    this.#options = options
    this.#deps = deps
    this.peer = peerOf(deps.device)
  }

  async start(): Promise<void> {
    const parts = await assemble(this.#options, this.#deps)
    this.#parts = parts
    await parts.store.start()
    await this.#knowOwnTerms(parts)
    await this.#serve(parts)
    try {
      await parts.libp2p.start()
    } catch (error) {
      throw new PlexiError(
        'NETWORK_LISTEN',
        { address: this.#options.listen.join(', '), reason: whyNot(error) },
        { cause: error },
      )
    }
    this.#measure(parts)
    parts.discovery.start()
    await parts.discovery.introduced(parts.limits.introductionMs)
    parts.republisher.start()
    this.#settling = this.#settle(parts)
    this.#flushing = this.#flush(parts)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    const parts = this.#parts
    if (parts === undefined) return
    await Promise.all([this.#settling, this.#flushing])
    await stopAll([
      step(() => {
        parts.table.flush()
        parts.database.close()
      }),
      step(() => parts.level.close()),
      step(() => parts.store.stop()),
      step(() => parts.libp2p.stop()),
      step(() => parts.republisher.stop()),
      step(() => parts.discovery.stop()),
    ])
    this.#parts = undefined
  }

  /** Multiaddrs others can dial, each with `/p2p/`. */
  addresses(): string[] {
    return this.#running().libp2p.getMultiaddrs().map(String)
  }

  get network(): ShardNetwork {
    return this.#running().network
  }

  get membership(): Membership {
    return this.#running().membership
  }

  /** One-time codes for new devices of the own vault. */
  get deviceCodes(): CodeDesk {
    return this.#running().devices
  }

  get circles(): CircleBook {
    return this.#running().circles
  }

  get hosting(): Hosting {
    const { store, table } = this.#running()
    return new Hosting({ store, table, own: this.#deps.device.vault })
  }

  get peers(): PeerDirectory {
    const { libp2p, table, links, policy, discovery, standing, limits, candidates } = this.#running()
    return new PeerDirectory(limits, {
      libp2p,
      table,
      links,
      policy,
      discovery,
      clock: this.#deps.clock,
      vouched: (known) => standing.vouched(known.peer, known.vault),
      eligible: () =>
        new Set(
          candidates()
            .filter(eligible)
            .map((candidate) => candidate.peer),
        ),
    })
  }

  get net(): NetReport {
    return new NetReport(this.#options, this.#running())
  }

  /** Takes in shards that somebody's seed brought on a disk (docs/spec/07-seed.md); ends with a summary. */
  adoptSeed(directory: string, signal: AbortSignal): AsyncGenerator<SeedProgress | SeedSummary, void, undefined> {
    const { store, standing } = this.#running()
    const { disk, clock, device } = this.#deps
    const deps = { store, admission: standing, peer: this.peer, sign: device.sign, disk, clock }
    return new SeedAdoption(directory, deps).run(signal)
  }

  /** Hosts that would take shards of this vault now, and members that are connected. */
  hosts(): { eligible: number; online: number } {
    const candidates = this.#running().candidates()
    return { eligible: candidates.filter(eligible).length, online: candidates.length }
  }

  /**
   * Shows the vault's newest terms to every host that is known, so that they refuse at once whom the vault revoked.
   * Resolves to how many saw them, and who did not answer.
   */
  async tellTerms(signal: AbortSignal): Promise<{ told: number; missing: PeerKey[] }> {
    const { book, calls, candidates, limits, store } = this.#running()
    await this.#knowOwnTerms({ store })
    const hosts = new Map<PeerKey, GroupHost>(book.hosts())
    for (const { peer, addresses } of candidates()) if (!hosts.has(peer)) hosts.set(peer, { peer, addresses })
    // Groups of the vault's other devices may name this one: it knows its own terms.
    hosts.delete(this.peer)
    return tellTerms([...hosts.values()], { calls, limits, clock: this.#deps.clock }, signal)
  }

  /** Looks for members now and resolves when nobody new turns up. */
  async discover(signal: AbortSignal): Promise<void> {
    await this.#running().discovery.converge(signal, { force: true })
  }

  #running(): NodeParts {
    if (this.#parts === undefined) throw new PlexiError('SYSTEM_UNEXPECTED', { reason: 'the node is not running' })
    return this.#parts
  }

  /** Other devices of the own vault may store here too: what the vault revoked is refused here like anywhere. */
  async #knowOwnTerms({ store }: Pick<NodeParts, 'store'>): Promise<void> {
    const { device } = this.#deps
    const bytes = device.terms()
    const { vault } = device
    await store.terms.keep(vault, { bytes, terms: openTerms(bytes, vault) })
  }

  async #serve(parts: NodeParts): Promise<void> {
    const { clock, log, metrics, device } = this.#deps
    const handlers = createHandlers(serveDefaults, {
      clock,
      log,
      metrics,
      stopping: this.#stopping.signal,
      store: parts.store,
      admission: parts.standing,
      identity: { peer: this.peer, sign: device.sign, certificate: () => device.certificate },
      invites: parts.membership,
      devices: parts.devices,
      hosting: {
        leaseDays: leaseDaysOf(hostDefaults.leaseMs),
        strangerBytes: hostDefaults.strangerBytes,
        version: PROTOCOL_VERSION,
        minimumVersion: PROTOCOL_VERSION,
        stamp: () => null,
        draining: () => false,
      },
    })
    const limit = { maxInboundStreams: transportLimits.maxStreamsPerProtocol }
    for (const [protocol, handler] of Object.entries(handlers)) {
      await parts.libp2p.handle(protocol, (stream, connection) => this.#accept(handler, stream, connection), limit)
    }
  }

  async #accept(handler: ProtocolHandler, stream: Stream, connection: Connection): Promise<void> {
    let peer: PeerKey
    try {
      peer = peerKey(connection.remotePeer.toString())
    } catch {
      stream.abort(new Error('only Ed25519 peers are members'))
      return
    }
    const idleMs = this.#running().limits.idleTimeoutMs * SERVER_IDLE_FACTOR
    const wire = new Libp2pWire(stream, { idleMs, peer }, this.#deps.clock)
    await handler(wire, { peer, address: connection.remoteAddr.toString() })
    // A peer that leaves its side open must not make us keep what it sent after its request.
    wire.discard()
  }

  /** Presents an invite that waited for this circle, until it is answered. */
  async #settle(parts: NodeParts): Promise<void> {
    const { signal } = this.#stopping
    let pauseMs = SETTLE_FIRST_MS
    while (!signal.aborted && !(await parts.membership.settle(signal).catch(() => false))) {
      await this.#deps.clock.sleep(pauseMs, signal).catch(() => undefined)
      pauseMs = Math.min(SETTLE_MAX_MS, pauseMs * 2)
    }
  }

  async #flush({ table }: NodeParts): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#deps.clock.sleep(FLUSH_MS, signal).catch(() => undefined)
      try {
        table.flush()
      } catch (error) {
        this.#deps.log.warn('what is known of peers could not be written', { error })
      }
    }
  }

  #measure({ libp2p }: NodeParts): void {
    const gauge = this.#deps.metrics.gauge('plexi_peers_connected', 'Peers with an open connection')
    const count = (): void => {
      gauge.set(libp2p.getPeers().length)
    }
    count()
    libp2p.addEventListener('peer:connect', count)
    libp2p.addEventListener('peer:disconnect', count)
  }
}

/** Something to stop, as a service. */
function step(stop: () => void | Promise<void>): Service {
  return {
    start: async () => undefined,
    stop: async () => {
      await stop()
    },
  }
}

/** The libraries tell it in their text only. */
function whyNot(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const code = /EADDRINUSE|EADDRNOTAVAIL|EACCES/.exec(text)?.[0]
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'in use',
    EADDRNOTAVAIL: 'not of this machine',
    EACCES: 'not permitted',
  }
  return reasons[code ?? ''] ?? text.split('\n')[0] ?? 'refused'
}
