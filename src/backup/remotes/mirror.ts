/**
 * Copies to each remote what it lacks: data shards in the order of their ids, several at once, then this device's head.
 * Spec: docs/REMOTES.md. Invariants: what was copied is noted only when it is durable there, so that a copy that was cut
 * off goes on where it was; a head is left only where every shard it needs lies.
 */
import { DAY } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { mapBounded } from '../../base/queue.ts'
import { openTerms } from '../../crypto/terms.ts'
import { openNotice } from '../../shard/index.ts'
import type { RemoteShard } from '../catalogue/remote-rows.ts'
import type { Session } from '../session.ts'
import type { ShardBody } from './remote-directory.ts'
import type { Remote } from './remote-book.ts'

const BATCH = 32
const READS_AT_ONCE = 4
const NOTHING = new Uint8Array(0)

export class Mirror {
  readonly #session: Session
  readonly #signal: AbortSignal
  #copied = 0

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session
    this.#signal = signal
  }

  /** Shards copied. */
  get copied(): number {
    return this.#copied
  }

  /** Brings one remote up to date as far as it goes. Failures of the remote are noted on it, not thrown. */
  async run(remote: Remote): Promise<void> {
    try {
      await this.#copyMissing(remote)
      // While something is being written there will soon be more: the head waits for the end of it.
      if (!this.#session.busy) await this.#finish(remote)
      this.#session.parts.remotes.worked(remote)
    } catch (error) {
      this.#signal.throwIfAborted()
      this.#session.parts.remotes.failed(remote, error)
    }
  }

  /** Returns how many could not be had from anywhere. */
  async #copyMissing(remote: Remote): Promise<number> {
    const { catalogue } = this.#session.parts
    let after: Uint8Array = NOTHING
    let failed = 0
    for (;;) {
      this.#signal.throwIfAborted()
      const batch = catalogue.remotes.missing(remote.no, after, BATCH)
      const last = batch.at(-1)
      if (last === undefined) return failed
      after = last.id
      failed += await this.#copy(remote, batch)
    }
  }

  async #copy(remote: Remote, batch: readonly RemoteShard[]): Promise<number> {
    const { catalogue } = this.#session.parts
    const got = (await mapBounded(batch, READS_AT_ONCE, (shard) => this.#body(shard))).filter(
      (body) => body !== undefined,
    )
    await remote.directory.write(got)
    const there = new Set(got.map(({ no }) => no))
    catalogue.commit(() => {
      // Shards may have been forgotten meanwhile.
      catalogue.remotes.addShards(
        remote.no,
        [...there].filter((no) => catalogue.shards.get(no) !== undefined),
      )
    })
    this.#copied += got.length
    return batch.length - got.length
  }

  async #body({ no, id }: RemoteShard): Promise<(ShardBody & { no: number }) | undefined> {
    const { parts, reader } = this.#session
    const row = parts.catalogue.shards.get(no)
    if (row === undefined) return undefined
    try {
      return { no, id, bytes: await reader.bytes(row, this.#signal) }
    } catch (error) {
      this.#signal.throwIfAborted()
      parts.log.debug('a shard for a remote cannot be had now', { error: String(error) })
      return undefined
    }
  }

  /** The head that shows everything, once everything is there; then what has not been needed for long goes. */
  async #finish(remote: Remote): Promise<void> {
    const session = this.#session
    const { catalogue, clock } = session.parts
    await session.exclusive(this.#signal, async () => {
      await session.describe(this.#signal)
      if ((await this.#copyMissing(remote)) > 0) return
      const bundle = session.publisher.prepare()
      if (bundle === undefined) return
      const { revision } = catalogue
      const { seq } = openNotice(bundle.notice)
      const known = catalogue.remotes.all().find(({ no }) => no === remote.no)
      if (known?.revision === revision && known.headSeq === seq) return
      await remote.directory.writeHead(bundle)
      catalogue.commit(() => {
        catalogue.remotes.setComplete(remote.no, { time: clock.now(), revision, headSeq: seq })
      })
    })
    await this.#thin(remote)
  }

  /** Like hosts, a remote keeps what was let go for the floor of the terms. One that devices share is not thinned. */
  async #thin(remote: Remote): Promise<void> {
    const { catalogue, clock, keys } = this.#session.parts
    const now = clock.now()
    catalogue.commit(() => {
      catalogue.remotes.noteUnneeded(remote.no, now)
    })
    const before = now - openTerms(keys.terms, keys.vault).floorDays * DAY
    if (catalogue.remotes.unneeded(remote.no, before, 1).length === 0) return
    const heads = await remote.directory.heads()
    if (heads.some(({ bundle }) => openNotice(bundle.notice).device !== keys.device)) return
    for (;;) {
      this.#signal.throwIfAborted()
      const batch = catalogue.remotes.unneeded(remote.no, before, BATCH)
      if (batch.length === 0) return
      catalogue.commit(() => {
        catalogue.remotes.dropShards(
          remote.no,
          batch.map(({ no }) => no),
        )
      })
      await remote.directory.remove(batch.map(({ id }) => id))
    }
  }
}

/** Throws `STORAGE_REMOTE_ABSENT` unless it can be read. */
export function requireThere(remote: Remote): void {
  if (remote.state === 'present' || remote.state === 'full') return
  const reason = remote.reason === '' ? remote.state : remote.reason
  throw new PlexiError('STORAGE_REMOTE_ABSENT', { path: remote.path, reason })
}
