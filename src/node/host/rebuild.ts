/**
 * Brings the metadata into line with the files, which are the truth: at start after an unclean end, when it is missing,
 * or when the counts differ. Invariants: no shard file of the right length is ever deleted or forgotten here; what
 * cannot be known again (numbers, leases) is set so that owners are never worse off.
 * Spec: docs/spec/05-storage-protocol.md § Rebuilding
 */
import { join } from 'node:path'
import { compare, fromHex, toHex } from '../../base/bytes.ts'
import { DAY, type Clock } from '../../base/clock.ts'
import { isLeftover, type Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/log.ts'
import { peerKey, publicKeyOfPeer, type VaultId, vaultId } from '../../crypto/ids.ts'
import { MAX_TERMS_BYTES } from '../../crypto/options.ts'
import { type HeldFloor, openTerms } from '../../crypto/terms.ts'
import { openNotice, SHARD_BYTES, type ShardId, shardId } from '../../shard/index.ts'
import { encodeHeadFile, readHeadFile } from './head-shelf.ts'
import { HEAD_NAME, HEX_NAME, type HostLayout } from './layout.ts'
import { type HostMetadata, MetadataBatch, type MetadataState } from './metadata.ts'
import type { HeadRow, ShardRow, VaultRow } from './rows.ts'

export interface RebuildDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
  readonly layout: HostLayout
  readonly metadata: HostMetadata
}

export interface RebuildSummary {
  /** Vaults whose rows were compared with their files one by one. */
  readonly vaults: number
  /** Shard files that had no row. */
  readonly adopted: number
  /** Rows that had no file. */
  readonly lost: number
  /** Files of a shard's name and another length, put aside. */
  readonly damaged: number
}

type Tally = { -readonly [K in keyof RebuildSummary]: RebuildSummary[K] }

/** Rows written in one batch: bounds memory, and a crash half-way only means that the next start goes on. */
const ROWS_PER_BATCH = 1_000

export async function rebuild(
  options: { readonly leaseMs: number },
  deps: RebuildDeps,
  state: MetadataState,
): Promise<RebuildSummary> {
  const { disk, layout, metadata } = deps
  await disk.removeTree(layout.incoming)
  await disk.mkdir(layout.incoming)
  const rows = new Map((await metadata.vaults()).map(([vault, row]) => [toHex(vault), row]))
  const tally: Tally = { vaults: 0, adopted: 0, lost: 0, damaged: 0 }
  const directories = (await disk.readdir(layout.root)).map(String).filter((name) => HEX_NAME.test(name))
  for (const name of directories) {
    const vault = new VaultRebuild(options, deps, { vault: vaultId(fromHex(name)), row: rows.get(name), tally })
    rows.delete(name)
    await vault.run(state === 'clean')
  }
  // Vaults whose whole directory is gone.
  for (const name of rows.keys()) {
    const row = rows.get(name)
    const vault = new VaultRebuild(options, deps, { vault: vaultId(fromHex(name)), row, tally })
    if (row !== undefined && (row.shards > 0 || row.headBytes > 0)) await vault.run(false)
  }
  if (tally.vaults > 0) deps.log.info('hosted metadata compared with the files', { ...tally })
  return tally
}

class VaultRebuild {
  readonly #leaseMs: number
  readonly #deps: RebuildDeps
  readonly #vault: VaultId
  readonly #tally: Tally
  readonly #known: VaultRow | undefined
  #batch = new MetadataBatch()
  #shards = 0
  #next: number

  constructor(
    options: { readonly leaseMs: number },
    deps: RebuildDeps,
    what: { vault: VaultId; row: VaultRow | undefined; tally: Tally },
  ) {
    this.#leaseMs = options.leaseMs
    this.#deps = deps
    this.#vault = what.vault
    this.#known = what.row
    this.#tally = what.tally
    // Without its row nobody knows which numbers were given away: start above all that could have been.
    this.#next = what.row?.next ?? 1
  }

  /** `trusted`: the last run ended cleanly, so that equal counts suffice. */
  async run(trusted: boolean): Promise<void> {
    const names = await this.#names()
    const files = names.filter((name) => HEX_NAME.test(name)).toSorted()
    if (trusted && this.#known?.shards === files.length) return
    this.#tally.vaults++
    const orphans = await this.#compare(files)
    await this.#adopt(orphans)
    const headBytes = await this.#heads(names.filter((name) => HEAD_NAME.test(name)))
    this.#finish(headBytes, await this.#heldFloors())
    await this.#write()
  }

  async #names(): Promise<string[]> {
    const { disk, layout } = this.#deps
    const path = layout.vault(this.#vault)
    if ((await disk.stat(path)) === undefined) return []
    const names = (await disk.readdir(path)).map(String)
    for (const name of names.filter(isLeftover)) await disk.unlink(join(path, name))
    return names.filter((name) => !isLeftover(name))
  }

  /** Walks rows and names, both in order of the ids; drops rows without a file, returns files without a row. */
  async #compare(files: readonly string[]): Promise<ShardId[]> {
    const orphans: ShardId[] = []
    let at = 0
    for await (const page of this.#deps.metadata.shards(this.#vault)) {
      for (const [id, row] of page) {
        const name = toHex(id)
        for (; at < files.length && (files[at] as string) < name; at++) orphans.push(asShard(files[at] as string))
        if (files[at] === name) {
          at++
          this.#shards++
          this.#next = Math.max(this.#next, row.number + 1)
        } else {
          await this.#drop(id)
        }
      }
    }
    for (; at < files.length; at++) orphans.push(asShard(files[at] as string))
    return orphans
  }

  async #drop(id: ShardId): Promise<void> {
    const at = { vault: this.#vault, id }
    this.#batch.release(at, await this.#deps.metadata.release(this.#vault, id), undefined)
    this.#batch.shard(at, undefined)
    this.#batch.manifest(at, undefined)
    this.#tally.lost++
    await this.#writeIfFull()
  }

  async #adopt(orphans: readonly ShardId[]): Promise<void> {
    const found: { id: ShardId; time: number }[] = []
    for (const id of orphans) {
      const path = this.#deps.layout.shard(this.#vault, id)
      const stat = await this.#deps.disk.stat(path)
      if (stat?.kind === 'file' && stat.size === SHARD_BYTES)
        found.push({ id, time: Number(stat.mtimeNs / 1_000_000n) })
      else await this.#putAside(id, path)
    }
    // Oldest first, so that numbers follow the order in which the shards came as nearly as the files tell.
    found.sort((a, b) => a.time - b.time || compare(a.id, b.id))
    for (const { id, time } of found) {
      const row: ShardRow = { number: this.#next++, time: Math.max(0, time) }
      this.#batch.shard({ vault: this.#vault, id }, row)
      this.#shards++
      this.#tally.adopted++
      await this.#writeIfFull()
    }
  }

  async #putAside(id: ShardId, path: string): Promise<void> {
    const { disk, layout } = this.#deps
    await disk.mkdir(layout.damaged)
    await disk.rename(path, join(layout.damaged, `${toHex(this.#vault).slice(0, 16)}-${toHex(id)}`))
    this.#tally.damaged++
  }

  /** Bytes of all files beside the shards. */
  async #heads(names: readonly string[]): Promise<number> {
    const { disk, layout, metadata } = this.#deps
    let bytes = 0
    for (const path of [layout.terms(this.#vault), layout.longerTerms(this.#vault)]) {
      bytes += (await disk.stat(path))?.size ?? 0
    }
    const present = new Set<string>()
    for (const name of names) {
      const row = await this.#head(name)
      if (row === undefined) continue
      present.add(toHex(row.device))
      bytes += row.row.bytes
      this.#batch.head({ vault: this.#vault, device: row.device }, row.row)
    }
    for (const { device } of await metadata.heads(this.#vault)) {
      if (!present.has(toHex(device))) this.#batch.head({ vault: this.#vault, device }, undefined)
    }
    return bytes
  }

  async #head(name: string): Promise<{ device: Uint8Array; row: HeadRow } | undefined> {
    const { disk, layout, metadata, clock } = this.#deps
    try {
      const device = publicKeyOfPeer(peerKey(HEAD_NAME.exec(name)?.[1] ?? ''))
      const file = await readHeadFile(disk, join(layout.vault(this.#vault), name))
      if (file === undefined) return undefined
      const notice = openNotice(file.notice, device)
      const known = await metadata.head(this.#vault, device)
      return {
        device,
        row: {
          seq: notice.seq,
          sealedHash: notice.sealedHash,
          storedAt: known?.storedAt ?? clock.now(),
          bytes: encodeHeadFile(file).length,
          forks: known?.forks ?? [],
        },
      }
    } catch {
      return undefined
    }
  }

  /** A longer floor that ran when the row was lost: superseded terms say how long, their file's time since when. */
  async #heldFloors(): Promise<HeldFloor[]> {
    const { disk, layout, clock } = this.#deps
    if (this.#known !== undefined) return this.#known.heldFloors
    const path = layout.longerTerms(this.#vault)
    const stat = await disk.stat(path)
    if (stat === undefined) return []
    try {
      const { floorDays } = openTerms(await disk.readFile(path, MAX_TERMS_BYTES), this.#vault)
      const untilMs = Number(stat.mtimeNs / 1_000_000n) + floorDays * DAY
      return untilMs > clock.now() ? [{ floorDays, untilMs }] : []
    } catch {
      return []
    }
  }

  #finish(headBytes: number, heldFloors: HeldFloor[]): void {
    const now = this.#deps.clock.now()
    const known = this.#known
    if (known === undefined && this.#shards > 0) {
      // Renewals were lost with the row, and nothing may be shortened: everything gets a whole lease from now.
      this.#batch.renewal(this.#vault, {
        prefix: new Uint8Array(0),
        upTo: this.#next - 1,
        until: now + this.#leaseMs,
      })
    }
    this.#batch.vault(this.#vault, {
      next: known === undefined ? Math.max(this.#next, now) : this.#next,
      shards: this.#shards,
      bytes: this.#shards * SHARD_BYTES,
      headBytes,
      firstSeen: known?.firstSeen ?? now,
      vouched: known?.vouched ?? true,
      heldFloors,
    })
  }

  async #writeIfFull(): Promise<void> {
    if (this.#batch.operations.length >= ROWS_PER_BATCH) await this.#write()
  }

  async #write(): Promise<void> {
    const batch = this.#batch
    this.#batch = new MetadataBatch()
    await this.#deps.metadata.commit(batch)
  }
}

const asShard = (name: string): ShardId => shardId(fromHex(name))
