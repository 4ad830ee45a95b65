/** Vectors of docs/spec/02-shard.md. */
import { constants, zstdCompressSync } from 'node:zlib'
import { cutLengths, gearTable } from './chunker.ts'
import { keyOf, seed, stream, u16, u32 } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import { plainOf, type PlainParts, sealedShard } from './shard-bytes.ts'
import { failing, type Json, type Vector } from './vector.ts'

export function shardVectors(): readonly Vector[] {
  return [...chunkVectors(), ...frameVectors(), ...plainVectors(), ...shardIdVectors(), ...sealedVectors()]
}

const key = keyOf('chunker')
const idMac = keyOf('id-mac')

function chunkVectors(): Vector[] {
  const gear = gearTable(key)
  const cuts = (
    name: string,
    sizes: readonly [number, number, number],
    data: Readonly<Record<string, Json>>,
  ): Vector => {
    const [min, average, max] = sizes
    const bytes =
      'stream' in data
        ? stream(data['stream'] as string, data['length'] as number)
        : new Uint8Array(data['length'] as number)
    return {
      name: `cuts of ${name}`,
      spec: '02§Chunks',
      input: { kind: 'cuts', key: hex(key), min, average, max, ...data },
      expect: cutLengths(bytes, { min, average, max, gear }),
      why: 'lengths of the chunks in order; `stream` is SHA-256(label ‖ 0 ‖ counter) repeated, without it the data are zeros',
    }
  }
  return [
    {
      name: 'gear table',
      spec: '02§Chunks',
      input: { kind: 'gear', key: hex(key) },
      expect: {
        first: [...gear.subarray(0, 4)].map((entry) => entry >>> 0),
        sha256: hex(open.H(...[...gear].map((entry) => u32(entry >>> 0)))),
      },
      why: '256 entries, here as unsigned numbers and hashed big-endian',
    },
    cuts('nothing', [16_384, 65_536, 262_144], { length: 0 }),
    cuts('min bytes', [64, 256, 1024], { stream: 'chunk data', length: 64 }),
    cuts('min bytes and one', [64, 256, 1024], { stream: 'chunk data', length: 65 }),
    cuts('small chunks', [64, 256, 1024], { stream: 'chunk data', length: 40_000 }),
    cuts('zeros', [64, 256, 1024], { length: 10_000 }),
    cuts('a MiB at the usual sizes', [16_384, 65_536, 262_144], { stream: 'chunk data', length: 1_048_576 }),
    ...['', 'a', 'content of a chunk'].map((text): Vector => ({
      name: `chunk id of ${JSON.stringify(text)}`,
      spec: '02§Chunks',
      input: { kind: 'chunk-id', key: hex(idMac), data: hex(utf8(text)) },
      expect: hex(open.chunkId(idMac, utf8(text))),
      why: 'HMAC-SHA-256 of the plaintext',
    })),
  ]
}

function zstd(plain: Uint8Array, windowLog = 20): Uint8Array {
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: windowLog }
  return Uint8Array.from(zstdCompressSync(plain, { params }))
}

const text = utf8('what compresses well, compresses well, compresses well, compresses well')

function frameVectors(): Vector[] {
  const packed = zstd(text)
  const good = (name: string, codec: number, stored: Uint8Array): Vector => ({
    name: `frame ${name}`,
    spec: '02§Frames',
    input: { kind: 'frame', codec, stored: hex(stored), plainLength: text.length },
    expect: hex(text),
    why: 'it inflates',
  })
  const bad = (name: string, [stored, plainLength]: [Uint8Array, number], why: string): Vector => {
    const input = { kind: 'frame', codec: 1, stored: hex(stored), plainLength }
    const vector = { name: `frame ${name}`, spec: '02§Frames', input, error: 'VALIDATION_DECODE', why }
    return failing(vector, () => open.inflate({ codec: 1, stored, plainLength }))
  }
  return [
    good('raw', 0, text),
    good('compressed', 1, packed),
    bad('longer than said', [packed, text.length - 1], 'a bomb is stopped at the announced length'),
    bad('shorter than said', [packed, text.length + 1], 'exactly the announced length'),
    bad('cut off', [packed.subarray(0, -1), text.length], 'the checksum-less end is missing'),
    bad('with bytes after it', [concat(packed, utf8('more')), text.length], 'one frame and nothing else'),
    bad('followed by another', [concat(packed, zstd(new Uint8Array(0))), text.length], 'one frame and nothing else'),
    bad('that is none', [utf8('this is not zstd at all'), text.length], 'not zstd'),
  ]
}

const one: PlainParts = { frames: [{ chunks: [utf8('first chunk'), utf8('second chunk')] }] }
const two: PlainParts = { kind: 3, frames: [{ chunks: [text, utf8('tail')], codec: 1 }, { chunks: [utf8('raw')] }] }

/** Rules of § Plaintext, one broken at a time: bytes of the plaintext up to the padding. */
function plainVectors(): Vector[] {
  const good = (name: string, parts: PlainParts): Vector => ({
    name: `plaintext of ${name}`,
    spec: '02§Plaintext',
    input: { kind: 'plain', plain: hex(plainOf(parts)) },
    expect: contentOf(plainOf(parts)),
    why: 'zeros follow up to 1,048,484 bytes',
  })
  return [good('one frame', one), good('two frames', two), ...brokenPlain()]
}

function brokenPlain(): Vector[] {
  const bytes = plainOf(one)
  const at = (offset: number, value: Uint8Array): Uint8Array => {
    const copy = Uint8Array.from(bytes)
    copy.set(value, offset)
    return copy
  }
  const entries = 7 + 13
  const used = bytes.length
  const cases: [string, Uint8Array, string][] = [
    ['kind 0', at(0, Uint8Array.of(0)), 'kinds are 1 to 3'],
    ['kind 4', at(0, Uint8Array.of(4)), 'kinds are 1 to 3'],
    ['no frames', at(1, u16(0)), 'at least one frame'],
    ['1,025 frames', at(1, u16(1025)), 'at most 1,024 frames'],
    ['no entries', at(3, u32(0)), 'every frame has entries'],
    ['16,385 entries', at(3, u32(16_385)), 'at most 16,384 entries'],
    ['tables that fill the shard', at(3, u32(0xffffffff)), 'counts are checked before they are used'],
    ['a frame stored one byte later', at(7, u32(used - 22)), 'frames follow the tables and each other'],
    ['a frame of no bytes', at(11, u32(0)), 'stored length is at least 1'],
    ['a frame that leaves the shard', at(11, u32(1_048_484)), 'stored bytes lie inside'],
    ['a frame of plain length 0', at(15, u32(0)), 'plain length is at least 1'],
    ['a frame of plain length over 1 MiB', at(15, u32(1_048_577)), 'plain length is at most 1,048,576'],
    ['codec 2', at(19, Uint8Array.of(2)), 'codecs are 0 and 1'],
    ['codec 1 that saves nothing', at(19, Uint8Array.of(1)), 'compressed only where shorter'],
    ['an entry of another frame', at(entries + 32, u16(1)), 'entries stand in frame order'],
    ['an entry with a gap before it', at(entries + 42 + 34, u32(12)), 'entries leave no gap'],
    ['overlapping entries', at(entries + 42 + 34, u32(10)), 'entries do not overlap'],
    ['an entry of no bytes', at(entries + 38, u32(0)), 'chunks are not empty'],
    ['an entry that leaves its frame', at(entries + 42 + 38, u32(13)), 'the last entry ends at the plain length'],
    ['an entry that ends early', at(entries + 42 + 38, u32(11)), 'the last entry ends at the plain length'],
    ['a chunk twice', at(entries + 42, bytes.subarray(entries, entries + 32)), 'no id stands twice'],
    ['padding that is not zero', concat(bytes, new Uint8Array(5000), Uint8Array.of(1)), 'padding is zero'],
  ]
  return cases.map(([name, plain, why]) => {
    const input = { kind: 'plain', plain: hex(plain) }
    const vector = { name: `plaintext with ${name}`, spec: '02§Plaintext', input, error: 'VALIDATION_DECODE', why }
    return failing(vector, () => open.parsePlain(padded(plain)))
  })
}

function padded(plain: Uint8Array): Uint8Array {
  return concat(plain, new Uint8Array(1_048_484 - plain.length))
}

function contentOf(plain: Uint8Array): Json {
  const { kind, entries, frames } = open.parsePlain(padded(plain))
  return {
    kind,
    frames: frames.map(({ codec, plainLength, stored }) => ({ codec, plainLength, stored: hex(stored) })),
    entries: entries.map(({ id, frame, offset, length }) => ({ id, frame, offset, length })),
  }
}

function shardIdVectors(): Vector[] {
  const spec = '02§Shard id'
  const vector = (name: string, length: number): Vector => {
    const input = { kind: 'shard-id', stream: 'shard', length }
    if (length === 1_048_576)
      return { name, spec, input, expect: hex(open.shardId(stream('shard', length))), why: 'root over 64 leaves' }
    const why = 'exactly 1,048,576 bytes'
    return failing({ name, spec, input, error: 'STORAGE_SHARD_SIZE', why }, () => open.shardId(stream('shard', length)))
  }
  return [
    vector('shard id', 1_048_576),
    vector('shard id of a byte less', 1_048_575),
    vector('shard id of a byte more', 1_048_577),
    vector('shard id of nothing', 0),
  ]
}

function sealedVectors(): Vector[] {
  const secret = seed('epoch 1')
  const parts = { epochKey: secret, epoch: 1, salt: seed('shard salt') }
  const good = (suite: number): Vector => {
    const bytes = sealedShard({ ...parts, suite, plain: plainOf(two) })
    return {
      name: `shard of suite ${suite}`,
      spec: '02§Shard',
      input: { ...inputOf(parts, suite), plain: hex(plainOf(two)) },
      expect: {
        header: hex(bytes.subarray(0, 76)),
        sha256: hex(open.H(bytes)),
        id: hex(open.shardId(bytes)),
        kind: 3,
        chunks: open.openShard(bytes, new Map([[1, secret]])).entries.map(({ id }) => id),
      },
      why: 'sealing with that salt makes these bytes, and they open',
    }
  }
  return [good(1), good(2), ...[1, 2].flatMap((suite) => brokenShards(parts, suite))]
}

interface SealParts {
  readonly epochKey: Uint8Array
  readonly epoch: number
  readonly salt: Uint8Array
}

function inputOf({ epochKey, epoch, salt }: SealParts, suite: number): Vector['input'] {
  return { kind: 'shard', suite, epoch, epochKey: hex(epochKey), salt: hex(salt) }
}

/** `change` is [offset, bits to flip]; `knownEpoch` the number under which the reader has the key. */
function brokenShards(parts: SealParts, suite: number): Vector[] {
  const bytes = sealedShard({ ...parts, suite, plain: plainOf(two) })
  const bad = (name: string, change: readonly [number, number], [error, why]: [string, string]): Vector => {
    const input = { ...inputOf(parts, suite), plain: hex(plainOf(two)), change }
    const copy = Uint8Array.from(bytes)
    copy[change[0]] = (copy[change[0]] ?? 0) ^ change[1]
    const vector = { name: `shard of suite ${suite} with ${name}`, spec: '02§Opening', input, error, why }
    return failing(vector, () => open.openShard(copy, new Map([[1, parts.epochKey]])))
  }
  return [
    bad('another magic', [0, 1], ['VALIDATION_DECODE', 'not a shard']),
    bad('suite 0', [4, suite], ['VALIDATION_VERSION', 'unknown suites fail closed']),
    bad('a reserved bit', [6, 1], ['VALIDATION_DECODE', 'reserved bytes are 0']),
    bad('another epoch', [11, 2], ['SECURITY_SEALED', 'no key of epoch 3']),
    bad('another salt', [20, 1], ['SECURITY_SEALED', 'another key, so another commitment']),
    bad('another commitment', [50, 1], ['SECURITY_SEALED', 'checked before anything is decrypted']),
    bad('a changed first byte', [76, 1], ['SECURITY_SEALED', 'the tag covers it']),
    bad('a changed last byte', [1_048_559, 1], ['SECURITY_SEALED', 'the tag covers it']),
    bad('a changed tag', [1_048_575, 128], ['SECURITY_SEALED', 'the tag is whole']),
  ]
}
