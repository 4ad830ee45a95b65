/** What the vectors of docs/spec/04-snapshot-and-head.md share. */
import { deviceSeed } from './keys-signing.ts'
import { keyOf, publicKey, stream } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import { failing, type Json, type Vector } from './vector.ts'

export const idMac = keyOf('id-mac')
export const object = (tag: string, value: unknown): Uint8Array => concat(utf8(tag), open.encode(value))
export const chunk = (label: string): Uint8Array => open.chunkId(idMac, utf8(label))
export const device = open.peerIdOf(publicKey(deviceSeed))

export interface Case {
  readonly kind: string
  readonly spec: string
  readonly bytes: Uint8Array
  readonly why: string
}

export function good(name: string, { kind, spec, bytes, why }: Case, expect: Json): Vector {
  return { name, spec, input: { kind, bytes: hex(bytes) }, expect, why }
}

/** Confirmed by the reader. */
export function bad(name: string, { kind, spec, bytes, why }: Case, [error, attempt]: [string, () => unknown]): Vector {
  return failing({ name, spec, input: { kind, bytes: hex(bytes) }, error, why }, attempt)
}

export const snapshot = {
  v: 1,
  id: stream('snapshot id', 16),
  time: 1_767_225_600_000,
  device,
  name: 'nightly',
  tags: ['work', 'laptop'],
  paths: [utf8('/home/alice')],
  tree: { list: [chunk('top')], depth: 0 },
  stats: { files: 3, dirs: 1, bytes: 70_000, skipped: 0 },
  parent: null,
  partial: false,
  note: '',
}

/** `PXsn` ‖ MAC ‖ body. */
export function stored(change: Readonly<Record<string, unknown>> = {}, key = idMac): Uint8Array {
  const body = open.encode({ ...snapshot, ...change })
  return concat(utf8('PXsn'), open.mac(key, utf8('plexichat/snapshot/1'), body), body)
}
