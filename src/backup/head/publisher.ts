/**
 * Making and publishing heads. Spec: docs/spec/04-snapshot-and-head.md § Publishing.
 * Invariants: a head names only stripes that may be relied on; a seq is signed once: its bytes are in the catalogue
 * before anybody sees them.
 */
import { toHex, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../crypto/hash.ts'
import { authorityHash, openAuthority } from '../../crypto/authority.ts'
import { MAX_HEAD_BODY_BYTES, sealedHashOf, sealHead, signNotice, type HeadBundle } from '../../shard/index.ts'
import { HEAD_HOSTS, headMayGo } from '../health.ts'
import { limits } from '../options.ts'
import { newestEpoch } from '../engine-keys.ts'
import type { Parts } from '../parts.ts'
import type { SnapshotId } from '../snapshot/snapshot.ts'
import { encodeHeadBody, type HeadBody, type HeadSnapshot } from './head-body.ts'
import { inlineSegments, readRoots } from './describe.ts'

export class HeadPublisher {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The newest published bundle. */
  bundle(): HeadBundle | undefined {
    const head = this.#parts.catalogue.heads.newest()
    if (head === undefined) return undefined
    const { authority, terms } = this.#parts.keys
    return { authority, terms, notice: head.notice, sealed: head.sealed }
  }

  /** Whether there is anything that hosts do not know and may know. */
  due(): boolean {
    const { catalogue } = this.#parts
    if (!headMayGo(this.#parts)) return false
    const head = catalogue.heads.newest()
    if (head === undefined) return catalogue.snapshots.count() > 0
    return !head.published || head.revision !== catalogue.revision || this.#groupsChanged()
  }

  /**
   * The bundle that shows everything in the catalogue, made now if there is none yet: for a remote that holds all of it,
   * whoever else may wait for what. Undefined while a shard has no stripe, the body is too long or nothing is stored.
   */
  prepare(): HeadBundle | undefined {
    const { catalogue } = this.#parts
    if (catalogue.shards.unstriped().some((shard) => !shard.lost) || this.bodyTooLong()) return undefined
    const newest = catalogue.heads.newest()
    if (newest === undefined && catalogue.snapshots.count() === 0) return undefined
    if (this.#stale()) this.#make()
    return this.bundle()
  }

  /** Publishes when due. `refused`: a host knows a newer or another head of this device. */
  async publish(signal: AbortSignal): Promise<{ hosts: number; refused: boolean }> {
    if (!this.due()) return { hosts: 0, refused: false }
    const { catalogue, network, clock } = this.#parts
    if (this.#stale()) this.#make()
    const bundle = this.bundle()
    const head = catalogue.heads.newest()
    if (bundle === undefined || head === undefined) return { hosts: 0, refused: false }
    const { hosts, faults } = await network.publishHead(bundle, signal)
    const refused = faults.some(({ detail }) => /^STORAGE_HEAD_(STALE|FORKED)/.test(detail))
    if (hosts.length === 0) return { hosts: 0, refused }
    catalogue.commit(() => {
      catalogue.heads.setPublished(head.seq)
      catalogue.retention.setPublished(head.seq, clock.now())
      catalogue.heads.setMeta(HEAD_HOSTS, utf8(JSON.stringify(hosts)))
    })
    return { hosts: hosts.length, refused }
  }

  /** Whether the body as it would be now is more than a head can carry: then inline chunks must move. */
  bodyTooLong(): boolean {
    if (this.#parts.inline.frames.length > limits.inlineFrames) return true
    return this.#body(1, null).length > MAX_HEAD_BODY_BYTES
  }

  /** Whether the newest head does not show what is in the catalogue now. */
  #stale(): boolean {
    const newest = this.#parts.catalogue.heads.newest()
    return newest === undefined || newest.revision !== this.#parts.catalogue.revision || this.#groupsChanged()
  }

  #make(): void {
    const { catalogue, keys, random, clock } = this.#parts
    const before = catalogue.heads.newest()
    const seq = (before?.seq ?? 0) + 1
    const prev = before?.sealedHash ?? null
    const revision = catalogue.revision
    const groupsHash = this.#groupsHash()
    const sealed = sealHead(newestEpoch(keys), this.#body(seq, prev), random)
    const sealedHash = sealedHashOf(sealed)
    const content = {
      v: 1,
      vault: keys.vault,
      device: keys.device,
      seq,
      prev,
      sealedHash,
      serial: keys.serial,
    } as const
    const notice = signNotice(keys.sign, content)
    catalogue.commit(() => {
      catalogue.heads.add({ seq, time: clock.now(), revision, notice, sealed, sealedHash }, false)
      catalogue.heads.setMeta('groups', groupsHash)
      catalogue.retention.setSeq(seq)
    })
  }

  #body(seq: number, prev: Uint8Array | null): Uint8Array {
    const { catalogue, keys, network, inline, clock } = this.#parts
    const authority = openAuthority(keys.authority, { key: keys.shared.authority, vault: keys.vault })
    const body: HeadBody = {
      vault: keys.vault,
      device: keys.device,
      seq,
      prev,
      time: clock.now(),
      authority: { version: authority.version, hash: authorityHash(keys.authority) },
      groups: network.groups().slice(0, limits.groups),
      snapshots: this.#snapshots(),
      older: catalogue.heads.olderLists(),
      roots: readRoots(catalogue),
      segments: inlineSegments(catalogue),
      inline: inline.frames,
      tombstones: tombstonesOf(catalogue),
    }
    return encodeHeadBody(body)
  }

  #snapshots(): HeadSnapshot[] {
    const rows = this.#parts.catalogue.snapshots.inHead()
    return rows.slice(0, limits.snapshotsInHead).map(({ chunk, body, shardsRoot, shardCount }) => ({
      chunk,
      body: body.length <= limits.snapshotRiderBytes ? body : null,
      shardsRoot,
      shardCount,
    }))
  }

  #groupsHash(): Uint8Array {
    const groups = this.#parts.network.groups().map((group) => [...group.id, group.version].join(','))
    return sha256(Buffer.from(groups.sort().join(';')))
  }

  #groupsChanged(): boolean {
    const shown = this.#parts.catalogue.heads.meta('groups')
    return shown === undefined || Buffer.compare(shown, this.#groupsHash()) !== 0
  }
}

function tombstonesOf(catalogue: Parts['catalogue']): SnapshotId[] {
  const ids = catalogue.retention.tombstones().map(({ id }) => toHex(id) as SnapshotId)
  return ids.slice(0, limits.tombstones)
}
