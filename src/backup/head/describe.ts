/**
 * Telling other devices which stripes there are: in the head itself while it is little, else as index segments in
 * shards of their own. Spec: docs/spec/04-snapshot-and-head.md § Index.
 */
import { KiB } from '../../base/bytes.ts'
import { invariant } from '../../base/errors.ts'
import { decode, encode } from '../../crypto/codec.ts'
import type { ChunkId } from '../../shard/index.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { StripeRow } from '../catalogue/stripe-rows.ts'
import { limits } from '../options.ts'
import type { Parts } from '../parts.ts'
import type { ChunkWriter } from '../store/chunk-writer.ts'
import {
  encodeSegment,
  readRoot,
  rootPlain,
  splitSegments,
  type IndexRoot,
  type SegmentShard,
} from './segment-codec.ts'
import type { StripeRecord } from '../../shard/index.ts'

const SEGMENT_BYTES = 192 * KiB
const ROOT_BYTES = 4 * 1024 * KiB

interface Described {
  readonly record: StripeRecord
  readonly shards: readonly SegmentShard[]
}

/** Segments that ride in the head: every stripe the head must name and no index root describes. */
export function inlineSegments(catalogue: Catalogue): Uint8Array[] {
  const described = undescribed(catalogue).map((stripe) => describe(catalogue, stripe))
  return splitSegments(described, SEGMENT_BYTES).map(encodeSegment)
}

/** Of this device, and of devices in custody as far as a head can name them. */
export function readRoots(catalogue: Catalogue): IndexRoot[] {
  const own = catalogue.heads.roots().map(({ bytes }) => decodeRoot(bytes))
  return [...custodyRoots(catalogue).map(({ bytes }) => decodeRoot(bytes)), ...own]
}

/** What is left of a head's roots when this device's own have theirs. */
function custodyRoots(catalogue: Catalogue): { bytes: Uint8Array; stripes: Set<number> }[] {
  return catalogue.others.rootsInCustody().slice(0, limits.indexRoots / 2)
}

function undescribed(catalogue: Catalogue): StripeRow[] {
  const described = custodyRoots(catalogue).map(({ stripes }) => stripes)
  return catalogue.stripes.outsideRoots().filter(({ no }) => !described.some((stripes) => stripes.has(no)))
}

/**
 * Moves what is too much for the head into index segments stored as chunks, and merges roots when there are too many.
 * A root that names stripes given up since is written anew. The writer's stripes become the new root; true when something was written (and has to be placed before the head goes).
 */
export async function describeStripes(parts: Parts, writer: ChunkWriter): Promise<boolean> {
  const { catalogue, options } = parts
  const riding = inlineSegments(catalogue).reduce((sum, bytes) => sum + bytes.length, 0)
  const roots = catalogue.heads.roots()
  const stale = roots.filter(({ no }) => catalogue.stripes.ofRoot(no).some((stripe) => !isLive(stripe)))
  // A head of this device's own that was taken over may have brought more roots than it made itself.
  if (riding <= options.maxInlineSegmentBytes && roots.length <= limits.indexRoots / 2 && stale.length === 0)
    return false
  const merged = roots.length >= options.maxIndexRoots ? roots : stale
  const content = merged.flatMap(({ no }) => contentOfRoot(catalogue, no))
  const stripes = [...content, ...undescribed(catalogue).filter((stripe) => !isTail(catalogue, stripe))]
  const chunks: ChunkId[] = []
  await writer.mark()
  for (const segment of splitSegments(
    stripes.map((stripe) => describe(catalogue, stripe)),
    SEGMENT_BYTES,
  ))
    // Never left to dedup: an equal segment lies in a root that goes when this one is there.
    chunks.push(await writer.putAgain(encodeSegment(segment)))
  const shards: number[] = []
  await writer.flush((sealed) => shards.push(...sealed))
  await writer.formTail()
  const own = stripesOf(catalogue, shards)
  const holding = own.map((stripe) => catalogue.stripes.record(stripe.no))
  catalogue.commit(() => {
    const root = catalogue.heads.addRoot(encode(rootPlain({ stripes: holding, chunks })))
    for (const stripe of [...stripes, ...own]) catalogue.stripes.setRoot(stripe.no, root)
    for (const old of merged) retireRoot(catalogue, old.no, old.bytes)
    catalogue.touch()
  })
  return true
}

/** Stripes of shards just sealed. Throws when one has none: a root must name where its chunks lie. */
function stripesOf(catalogue: Catalogue, shards: readonly number[]): StripeRow[] {
  const stripes = new Map<number, StripeRow>()
  for (const no of shards) {
    const stripe = catalogue.stripes.get(catalogue.shards.get(no)?.stripe ?? 0)
    invariant(stripe !== undefined, 'shards of an index root are in stripes')
    stripes.set(stripe.no, stripe)
  }
  return [...stripes.values()]
}

export function decodeRoot(bytes: Uint8Array): IndexRoot {
  return readRoot(decode(bytes, { what: 'index root', maxBytes: ROOT_BYTES }))
}

function describe(catalogue: Catalogue, stripe: StripeRow): Described {
  const data = catalogue.shards.ofStripe(stripe.no).slice(0, stripe.k)
  const shards = data.map((shard) => ({ id: shard.id, prefixes: catalogue.shards.prefixes(shard.no) }))
  return { record: catalogue.stripes.record(stripe.no), shards }
}

/** Stripes a root describes, without those that hold the root itself: they go with it. */
function contentOfRoot(catalogue: Catalogue, no: number): StripeRow[] {
  const root = catalogue.heads.roots().find((row) => row.no === no)
  const own = root === undefined ? [] : ownStripes(catalogue, root.bytes)
  return catalogue.stripes.ofRoot(no).filter((stripe) => !own.includes(stripe.no) && isLive(stripe))
}

function retireRoot(catalogue: Catalogue, no: number, bytes: Uint8Array): void {
  for (const stripe of ownStripes(catalogue, bytes)) catalogue.stripes.setState(stripe, 'retired')
  catalogue.heads.deleteRoot(no)
}

function ownStripes(catalogue: Catalogue, bytes: Uint8Array): number[] {
  return decodeRoot(bytes).stripes.flatMap((stripe) => catalogue.stripes.find(stripe.id)?.no ?? [])
}

function isLive(stripe: StripeRow): boolean {
  return stripe.state === 'queued' || stripe.state === 'placed'
}

/** The newest single-shard stripe may be rewritten soon: it stays out of roots. */
function isTail(catalogue: Catalogue, stripe: StripeRow): boolean {
  return stripe.own && stripe.k === 1 && stripe.no === catalogue.stripes.newestOwn()
}
