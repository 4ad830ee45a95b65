/** Names of a directory in one piece, so that they cross threads cheaply, and the parts a long one is looked at in. */
import { concat } from '../../base/bytes.ts'
import { nameHash } from '../tree/list-builder.ts'
import { LISTED_AT_ONCE, type Names } from './jobs.ts'

/** A part of a long directory ends before a name with such a hash: one name more moves no other part. */
const CUT_MASK = 0x3ff

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

/** Where the part that begins with name number `from` ends: at most `LISTED_AT_ONCE` names further. */
export function partEnd(names: Names, from: number): number {
  const last = from + LISTED_AT_ONCE
  if (names.ends.length <= last) return names.ends.length
  for (let i = from + LISTED_AT_ONCE / 2; i < last; i++) if ((nameHash(nameAt(names, i)) & CUT_MASK) === 0) return i
  return last
}
