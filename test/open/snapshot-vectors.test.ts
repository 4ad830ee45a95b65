/** src/backup against the vectors of docs/spec/04-snapshot-and-head.md, which the second implementation made. */
import { equal } from '../../src/base/bytes.ts'
import { decodeHeadBody, encodeHeadBody } from '../../src/backup/head/head-body.ts'
import { openFrame, readFrame } from '../../src/backup/head/inline.ts'
import { decodeSegment, encodeSegment } from '../../src/backup/head/segment-codec.ts'
import { decodeSnapshot, encodeSnapshot } from '../../src/backup/snapshot/snapshot.ts'
import { decodeNodes, encodeNodes, extentPlain } from '../../src/backup/tree/node.ts'
import { TreeReader } from '../../src/backup/tree/tree-reader.ts'
import { decode } from '../../src/crypto/codec.ts'
import { leafHash, merkleRoot } from '../../src/crypto/merkle.ts'
import { chunkId } from '../../src/shard/index.ts'
import { hex, loadVectors, testVectors, toJson, unhex, type Input, type Json } from '../support/vectors.ts'

const keys = loadVectors('01-keys').find((vector) => vector.name === 'phrase')?.expect as Readonly<
  Record<string, string>
>
const idMac = unhex(keys['id-mac'] ?? '')
const somewhere = chunkId(new Uint8Array(32))
const changed = 'encodes to something else'

testVectors('04-snapshot-and-head', {
  nodes(input) {
    const bytes = input.bytes('bytes')
    if (!equal(encodeNodes(decodeNodes(bytes)), bytes)) return changed
    return plainJson(bytes.subarray(4))
  },
  async ids(input) {
    const reader = new TreeReader(async () => input.bytes('bytes'))
    const [, ...ids] = await Array.fromAsync(reader.listChunks({ list: { depth: 1, chunks: [somewhere] } }))
    return ids.map((id) => hex(id))
  },
  async extents(input) {
    const reader = new TreeReader(async () => input.bytes('bytes'))
    const content = { depth: 1, extents: [{ chunk: somewhere, from: 0, length: 12 }] }
    return toJson((await Array.fromAsync(reader.extents(content, 12))).map(extentPlain))
  },
  snapshot(input) {
    const bytes = input.bytes('bytes')
    const snapshot = decodeSnapshot(bytes, idMac)
    if (!equal(encodeSnapshot(snapshot, idMac), bytes)) return changed
    return { ...(plainJson(bytes.subarray(36)) as object), id: snapshot.id }
  },
  segment(input) {
    const bytes = input.bytes('bytes')
    const segment = decodeSegment(bytes)
    if (!equal(encodeSegment(segment), bytes)) return changed
    const shards = segment.shards.map(({ id, prefixes }) => ({ id: hex(id), chunks: hex(prefixes) }))
    return { shards, stripes: segment.stripes.map(({ id }) => hex(id)) }
  },
  inline(input) {
    const frame = readFrame(decode(input.bytes('bytes'), { what: 'vector', maxBytes: 4096 }))
    return openFrame(frame).map(({ id, bytes }) => [hex(id), hex(bytes)])
  },
  'head-body': headBody,
  'shards-root': (input) => {
    const sorted = input.byteList('ids').sort((a, b) => Buffer.compare(a, b))
    return hex(merkleRoot(sorted.map((id) => leafHash(id))))
  },
})

function headBody(input: Input): Json {
  const bytes = input.bytes('bytes')
  const head = decodeHeadBody(bytes)
  if (!equal(encodeHeadBody(head), bytes)) return changed
  return {
    device: head.device,
    seq: head.seq,
    snapshots: head.snapshots.map(({ chunk }) => hex(chunk)),
    older: head.older.map(hex),
    roots: head.roots.map(({ stripes, chunks }) => ({
      stripes: stripes.map(({ id }) => hex(id)),
      chunks: chunks.map(hex),
    })),
    inline: head.inline.length,
    tombstones: [...head.tombstones],
    groups: head.groups.map(({ id, k, n, slots }) => ({
      id: hex(id),
      k,
      n,
      hosts: slots.map(({ host }) => host.peer),
    })),
  }
}

function plainJson(cbor: Uint8Array): Json {
  return toJson(decode(cbor, { what: 'vector', maxBytes: 4096 }))
}
