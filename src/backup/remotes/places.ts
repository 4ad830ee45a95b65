/**
 * Hosts and remotes behind one `ShardNetwork`: hosts first for what is new, whoever is fastest for what comes back.
 * Invariants: hosts alone decide where stripes lie as soon as the vault knows any; a remote is never counted as a host;
 * a slow place is not waited for while another one has the shard.
 */
import { deadline, type Clock } from '../../base/clock.ts'
import { toPlexiError } from '../../base/errors.ts'
import { openNotice } from '../../shard/index.ts'
import type {
  FetchOutcome,
  FetchRequest,
  FoundHead,
  HeadBundle,
  Holder,
  HostFault,
  PlaceEvent,
  PlaceRequest,
  PlacementGroup,
  ShardId,
  ShardNetwork,
} from '../../shard/index.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { Pace } from './pace.ts'
import type { Remote, RemoteBook } from './remote-book.ts'
import { isRemoteGroup, REMOTE_GROUP, REMOTE_PEER, remoteGroup } from './remote-group.ts'

export interface PlacesDeps {
  readonly hosts: ShardNetwork
  readonly book: RemoteBook
  readonly catalogue: Catalogue
  readonly clock: Clock
}

/** Where a shard may come from: a remote, or all hosts together. */
type Place = Remote | 'hosts'

interface Attempt {
  readonly place: Place
  readonly outcome: FetchOutcome
}

/** The next place is asked when the one before takes this many times as long as expected, at least so long (ms). */
const PATIENCE = 3
const MIN_PATIENCE_MS = 150

export class Places implements ShardNetwork {
  readonly #deps: PlacesDeps
  readonly #pace = new Pace<Place>()

  constructor(deps: PlacesDeps) {
    this.#deps = deps
  }

  async currentGroup(signal: AbortSignal): Promise<PlacementGroup | undefined> {
    const group = await this.#deps.hosts.currentGroup(signal)
    if (group !== undefined || this.groups().length > 0) return group
    return this.#deps.book.writable().length > 0 ? remoteGroup : undefined
  }

  groups(): readonly PlacementGroup[] {
    return this.#deps.hosts.groups()
  }

  adoptGroups(groups: readonly PlacementGroup[]): Promise<void> {
    return this.#deps.hosts.adoptGroups(groups.filter(({ id }) => !isRemoteGroup(id)))
  }

  place(request: PlaceRequest, signal: AbortSignal): AsyncIterable<PlaceEvent> {
    return isRemoteGroup(request.stripe.group)
      ? this.#placeOnRemote(request, signal)
      : this.#deps.hosts.place(request, signal)
  }

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    signal.throwIfAborted()
    const remotes = this.#deps.book.readable()
    if (isRemoteGroup(request.stripe.group)) return this.#race(this.#pace.ranked(remotes), request, signal)
    if (remotes.length === 0) return this.#deps.hosts.fetch(request, signal)
    return this.#race(this.#pace.ranked([...remotes, 'hosts']), request, signal)
  }

  async locate(request: FetchRequest, signal: AbortSignal): Promise<Holder[]> {
    const id = request.stripe.ids[request.index]
    const remotes = this.#deps.book.readable()
    const holders = isRemoteGroup(request.stripe.group) ? [] : await this.#deps.hosts.locate(request, signal)
    if (id === undefined) return holders
    const has = await Promise.all(remotes.map(({ directory }) => directory.has(id).catch(() => false)))
    if (has.includes(true)) return [...holders, { peer: REMOTE_PEER, state: 'held' }]
    if (!isRemoteGroup(request.stripe.group)) return holders
    const away = this.#deps.book.all().length > remotes.length
    return [{ peer: REMOTE_PEER, state: away ? 'unreachable' : 'missing' }]
  }

  /** Files on remotes go later, when nothing has needed them for long enough. */
  release(requests: readonly FetchRequest[], signal: AbortSignal): Promise<{ confirmed: number; faults: HostFault[] }> {
    const ofHosts = requests.filter(({ stripe }) => !isRemoteGroup(stripe.group))
    if (ofHosts.length === 0) return Promise.resolve({ confirmed: 0, faults: [] })
    return this.#deps.hosts.release(ofHosts, signal)
  }

  /** While the vault has no hosts, a remote that lacks nothing is where its head is published. */
  async publishHead(bundle: HeadBundle, signal: AbortSignal): Promise<{ hosts: PeerKey[]; faults: HostFault[] }> {
    const { hosts, book, catalogue, clock } = this.#deps
    const published = await hosts.publishHead(bundle, signal)
    if (published.hosts.length > 0 || this.groups().length > 0) return published
    let taken = false
    const { revision } = catalogue
    for (const remote of book.writable()) {
      if (catalogue.remotes.counts(remote.no).missing > 0) continue
      try {
        await remote.directory.writeHead(bundle)
        taken = true
        catalogue.commit(() => {
          const headSeq = openNotice(bundle.notice).seq
          catalogue.remotes.setComplete(remote.no, { time: clock.now(), revision, headSeq })
        })
      } catch (error) {
        book.failed(remote, error)
      }
    }
    return { hosts: taken ? [REMOTE_PEER] : [], faults: published.faults }
  }

  /** Of remotes and hosts; hosts that cannot be asked are no failure where a remote answers. */
  async findHeads(signal: AbortSignal): Promise<FoundHead[]> {
    const found: FoundHead[] = []
    for (const remote of this.#deps.book.readable()) {
      try {
        const heads = await remote.directory.heads()
        found.push(...heads.map(({ bundle }) => ({ bundle, source: REMOTE_PEER })))
      } catch (error) {
        this.#deps.book.failed(remote, error)
      }
    }
    try {
      return [...found, ...(await this.#deps.hosts.findHeads(signal))]
    } catch (error) {
      signal.throwIfAborted()
      if (found.length === 0) throw error
      return found
    }
  }

  /** The shard from a remote, checked; undefined where none has it intact. Damage is noted, so that it is copied again. */
  async readRemote(id: ShardId): Promise<Uint8Array | undefined> {
    for (const remote of this.#pace.ranked(this.#deps.book.readable())) {
      if (remote === 'hosts') continue
      const outcome = await this.#fromRemote(remote, id)
      if (outcome.ok) return outcome.bytes
    }
    return undefined
  }

  async *#placeOnRemote(request: PlaceRequest, signal: AbortSignal): AsyncGenerator<PlaceEvent> {
    const { book, catalogue } = this.#deps
    let missing = request.stripe.ids.map((_, index) => index).filter((index) => !request.held.has(index))
    for (const remote of book.writable()) {
      if (missing.length === 0) break
      for await (const event of remote.directory.network.place(request, signal)) {
        if (event.type === 'receipt') {
          const shard = catalogue.shards.find(event.receipt.shardId)
          if (shard !== undefined)
            catalogue.commit(() => {
              catalogue.remotes.addShards(remote.no, [shard.no])
            })
          yield { ...event, receipt: { ...event.receipt, host: REMOTE_PEER } }
        } else if (event.type === 'fault') {
          const { why, detail } = event.fault
          if (why === 'full') book.failed(remote, Object.assign(new Error(detail), { code: 'ENOSPC' }))
          yield { ...event, fault: { peer: REMOTE_PEER, why, detail } }
        } else if (event.type === 'unreadable') yield event
        else if (event.type === 'done') missing = [...event.missing]
      }
    }
    yield { type: 'done', missing }
  }

  /** Asks the places in order, the next one when one fails or takes long; the first intact shard wins. */
  async #race(places: readonly Place[], request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    const faults: HostFault[] = []
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    // Only one of those that run at once may write where the request has room.
    const { stripe, index } = request
    const running = new Map<Place, Promise<Attempt>>()
    let next = 0
    try {
      for (;;) {
        const place = places[next++]
        const asked = next === 1 ? request : { stripe, index }
        if (place !== undefined) running.set(place, this.#attempt(place, asked, both))
        if (running.size === 0) return { ok: false, faults }
        const waitMs = place === undefined ? Infinity : Math.max(MIN_PATIENCE_MS, this.#pace.expected(place) * PATIENCE)
        const attempt = await this.#firstOf(running, next < places.length ? waitMs : Infinity, signal)
        if (attempt === undefined) continue
        running.delete(attempt.place)
        faults.push(...attempt.outcome.faults)
        if (attempt.outcome.ok) return { ...attempt.outcome, faults }
      }
    } finally {
      stop.abort()
      await Promise.allSettled(running.values())
    }
  }

  /** The first attempt to end; undefined when it is time to ask one more. */
  async #firstOf(
    running: ReadonlyMap<Place, Promise<Attempt>>,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Attempt | undefined> {
    if (waitMs === Infinity) return Promise.race(running.values())
    const timer = deadline(this.#deps.clock, waitMs, signal)
    const late = new Promise<undefined>((resolve) => {
      timer.signal.addEventListener('abort', () => {
        resolve(undefined)
      })
    })
    try {
      const first = await Promise.race([...running.values(), late])
      signal.throwIfAborted()
      return first
    } finally {
      timer.clear()
    }
  }

  async #attempt(place: Place, request: FetchRequest, signal: AbortSignal): Promise<Attempt> {
    const { clock, hosts } = this.#deps
    const id = request.stripe.ids[request.index]
    const begun = clock.elapsed()
    this.#pace.begin(place)
    let outcome: FetchOutcome = { ok: false, faults: [] }
    try {
      if (place === 'hosts') outcome = await hosts.fetch(request, signal)
      else if (id !== undefined) outcome = await this.#fromRemote(place, id, request.into)
    } catch (error) {
      // Whoever asked has stopped, or has the shard from elsewhere.
      if (!signal.aborted) throw error
    } finally {
      this.#pace.end(place, outcome.ok ? clock.elapsed() - begun : undefined)
    }
    return { place, outcome }
  }

  /** A shard that is merely not there is no fault: remotes keep data shards alone, and a new one has little yet. */
  async #fromRemote(remote: Remote, id: ShardId, into?: Uint8Array): Promise<FetchOutcome> {
    try {
      const bytes = await remote.directory.read(id, into)
      if (bytes === undefined) return { ok: false, faults: [] }
      return { ok: true, bytes, from: REMOTE_PEER, faults: [] }
    } catch (error) {
      const { code, message } = toPlexiError(error)
      if (code !== 'STORAGE_SHARD_CORRUPT') {
        this.#deps.book.failed(remote, error)
        return { ok: false, faults: [{ peer: REMOTE_PEER, why: 'offline', detail: `${remote.path}: ${message}` }] }
      }
      this.#forget(remote, id)
      return { ok: false, faults: [{ peer: REMOTE_PEER, why: 'corrupt', detail: `${remote.path}: ${message}` }] }
    }
  }

  #forget(remote: Remote, id: ShardId): void {
    const { catalogue } = this.#deps
    const row = catalogue.shards.find(id)
    if (row === undefined) return
    catalogue.commit(() => {
      catalogue.remotes.dropShards(remote.no, [row.no])
      catalogue.remotes.setIncomplete(remote.no)
    })
  }
}

/** Live stripes that lie on remotes alone although the vault knows hosts by now: they are to be spread. */
export function unspread(parts: { catalogue: Catalogue; network: Pick<ShardNetwork, 'groups'> }): number {
  return parts.network.groups().length === 0 ? 0 : parts.catalogue.stripes.countInGroup(REMOTE_GROUP)
}
