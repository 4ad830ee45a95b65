/**
 * Chunks whose shard has just gone and that another living shard holds, too: nobody may need them now, but whose shard
 * that is may refer to them again. Spec: docs/spec/04-snapshot-and-head.md § Pruning.
 */
import { unknownOf } from '../adopt/head-reader.ts'
import type { Parts } from '../parts.ts'
import type { LiveSet } from './live-set.ts'

/** `gone`: numbers of the shards. To be called when the index does not point to them any more. */
export async function findAgain(parts: Parts, { superseded }: LiveSet, gone: ReadonlySet<number>): Promise<void> {
  const { catalogue, index } = parts
  const copies = [...superseded].filter(
    ([no, winners]) => !gone.has(no) && [...winners].some((winner) => gone.has(winner)),
  )
  const shards = copies.flatMap(([no]) => catalogue.shards.get(no) ?? [])
  const living = shards.filter(({ lost, stripe }) => {
    const state = stripe === null ? 'queued' : catalogue.stripes.get(stripe)?.state
    return !lost && (state === 'queued' || state === 'placed')
  })
  const held = living.map(({ no, id }) => ({ id, prefixes: catalogue.shards.prefixes(no) }))
  if (held.length > 0) await index.add(unknownOf(parts, held), catalogue.indexed)
}
