/** src/shard against the vectors of docs/spec/02-shard.md, which the second implementation made. */
import { sha256 } from '../../src/crypto/hash.ts'
import type { Suite } from '../../src/crypto/seal.ts'
import { Chunker, chunkIdOf, gearTable } from '../../src/shard/chunker.ts'
import { inflateFrame, type Codec } from '../../src/shard/frame.ts'
import { decodePlain, type ShardContent } from '../../src/shard/layout.ts'
import { SHARD_PLAIN_BYTES } from '../../src/shard/options.ts'
import { shardRoot } from '../../src/shard/root.ts'
import { openShard, sealShard } from '../../src/shard/sealed-shard.ts'
import { hex, stream, testVectors, type Input, type Json } from '../support/vectors.ts'

testVectors('02-shard', {
  gear(input) {
    const entries = [...gearTable(input.bytes('key'))].map((entry) => entry >>> 0)
    const bytes = Buffer.alloc(1024)
    entries.forEach((entry, i) => bytes.writeUInt32BE(entry, 4 * i))
    return { first: entries.slice(0, 4), sha256: hex(sha256(bytes)) }
  },
  cuts(input) {
    const sizes = {
      minBytes: input.number('min'),
      averageBytes: input.number('average'),
      maxBytes: input.number('max'),
    }
    const chunker = new Chunker(sizes, input.bytes('key'))
    const lengths: number[] = []
    for (let rest = data(input); rest.length > 0; rest = rest.subarray(lengths.at(-1) ?? 0)) {
      lengths.push(chunker.next(rest))
    }
    return lengths
  },
  'chunk-id': (input) => hex(chunkIdOf(input.bytes('key'), input.bytes('data'))),
  frame(input) {
    const codec = input.number('codec') as Codec
    return hex(inflateFrame({ codec, stored: input.bytes('stored'), plainLength: input.number('plainLength') }))
  },
  plain: (input) => contentJson(content(input)),
  'shard-id': (input) => hex(shardRoot(data(input))),
  shard,
})

function shard(input: Input): Json {
  const epoch = { epoch: input.number('epoch'), key: input.bytes('epochKey') }
  const random = { bytes: () => input.bytes('salt'), below: () => 0 }
  const { bytes } = sealShard(content(input), { suite: input.number('suite') as Suite, epoch, random })
  const sha = hex(sha256(bytes))
  const [offset, bits] = input.has('change') ? (input.list('change') as [number, number]) : [0, 0]
  bytes[offset] = (bytes[offset] ?? 0) ^ bits
  const opened = openShard(bytes, { epochKey: (number) => (number === epoch.epoch ? epoch.key : undefined) })
  return {
    header: hex(bytes.subarray(0, 76)),
    sha256: sha,
    id: hex(shardRoot(bytes)),
    kind: opened.kind,
    chunks: opened.chunks.map(({ id }) => hex(id)),
  }
}

function content(input: Input): ShardContent {
  const plain = new Uint8Array(SHARD_PLAIN_BYTES)
  plain.set(input.bytes('plain'))
  return decodePlain(plain)
}

function contentJson({ kind, frames, entries }: ShardContent): Json {
  return {
    kind,
    frames: frames.map(({ codec, plainLength, stored }) => ({ codec, plainLength, stored: hex(stored) })),
    entries: entries.map(({ id, frame, offset, length }) => ({ id: hex(id), frame, offset, length })),
  }
}

function data(input: Input): Uint8Array {
  const length = input.number('length')
  return input.has('stream') ? stream(input.text('stream'), length) : new Uint8Array(length)
}
