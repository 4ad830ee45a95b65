/**
 * The page map of one database between two backups, in the catalogue. Entries are facts – this content is in that
 * chunk – so they may be committed ahead of the snapshot; chunks that a crash took are found missing when they are used.
 */
import { DAY } from '../../../base/clock.ts'
import type { Parts } from '../../parts.ts'
import { decodeSegment, encodeSegment, mapName, type PageSegment } from './page-segment.ts'
import type { SegmentMap } from './page-writer.ts'

/** Segments per commit, each at most 240 KiB. */
const PER_COMMIT = 64
/** Maps of databases that were not backed up for so long go. */
const UNUSED_MS = 90 * DAY

export class CatalogueMap implements SegmentMap {
  readonly #parts: Pick<Parts, 'catalogue' | 'clock'>
  readonly #name: Uint8Array
  readonly #pageBytes: number
  readonly #map: number
  /** False for a dry run. */
  readonly #save: boolean
  #waiting: { no: number; bytes: Uint8Array }[] = []

  constructor(
    of: { path: Uint8Array; pageBytes: number; save: boolean },
    parts: Pick<Parts, 'catalogue' | 'clock' | 'keys'>,
  ) {
    this.#parts = parts
    this.#name = mapName(parts.keys.shared.idMac, of.path)
    this.#pageBytes = of.pageBytes
    this.#save = of.save
    this.#map = parts.catalogue.pageMaps.find(this.#name, of.pageBytes)
  }

  get(no: number): PageSegment | undefined {
    if (this.#map === 0) return undefined
    const bytes = this.#parts.catalogue.pageMaps.segment(this.#map, no)
    return bytes === undefined ? undefined : decodeSegment(bytes)
  }

  put(no: number, segment: PageSegment): void {
    if (!this.#save) return
    this.#waiting.push({ no, bytes: encodeSegment(segment) })
    if (this.#waiting.length >= PER_COMMIT) this.#commit()
  }

  /** All of the database was stored: it has `segments` of them. */
  finish(segments: number): void {
    if (!this.#save) return
    this.#commit(segments)
  }

  #commit(segments?: number): void {
    const { catalogue, clock } = this.#parts
    const { pageMaps } = catalogue
    const waiting = this.#waiting
    this.#waiting = []
    catalogue.commit(() => {
      const map = pageMaps.make(this.#name, this.#pageBytes, clock.now())
      for (const { no, bytes } of waiting) pageMaps.put(map, no, bytes)
      if (segments === undefined) return
      pageMaps.cut(map, segments)
      pageMaps.removeUnused(clock.now() - UNUSED_MS)
    })
  }
}
