/** Names of a directory in one piece, so that they cross threads cheaply, and the parts a long one is looked at in. */
import { concat } from '../../base/bytes.ts'
import { nameHash } from '../tree/list-builder.ts'

/** Raw names one after the other, and where each ends. */
export interface Names {
  readonly names: Uint8Array
  readonly ends: Uint32Array
}

export function pack(names: readonly Uint8Array[]): Names {
  const ends = new Uint32Array(names.length)
  let end = 0
  for (const [i, name] of names.entries()) ends[i] = end += name.length
  return { names: concat(...names), ends }
}

export function unpack(names: Names): Buffer[] {
  return Array.from(names.ends, (_, i) => nameAt(names, i))
}

export function nameAt({ names, ends }: Names, i: number): Buffer {
  const start = i === 0 ? 0 : (ends[i - 1] as number)
  return Buffer.from(names.buffer, names.byteOffset + start, (ends[i] as number) - start)
}

/**
 * Where the part that begins with name number `from` ends, `most` names further at most. A name decides by its hash: so
 * one name more moves no other part.
 */
export function partEnd(names: Names, from: number, most: number): number {
  const last = from + most
  if (names.ends.length <= last) return names.ends.length
  for (let i = from + Math.ceil(most / 2); i < last; i++)
    if ((nameHash(nameAt(names, i)) >>> 0) % Math.ceil(most / 8) === 0) return i
  return last
}
