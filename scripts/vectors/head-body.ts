/** Vectors of docs/spec/04-snapshot-and-head.md § Index, § Inline, § Head. */
import { zstdCompressSync } from 'node:zlib'
import { keys, publicKey, seed, stream } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import { bad, chunk, device, good, idMac, object, stored } from './snapshot-parts.ts'
import type { Vector } from './vector.ts'

export function headBodyVectors(): readonly Vector[] {
  return [...segments(), ...inlineFrames(), ...heads(), ...shardsRoots()]
}

const ids = [0, 1, 2, 3, 4].map((i) => seed(`shard ${i}`))
const stripe = { k: 2, n: 5, ids, group: stream('group', 16) }
const segment = {
  shards: [{ id: ids[0], chunks: concat(chunk('one').subarray(0, 16), chunk('two').subarray(0, 16)) }],
  stripes: [stripe],
}

function segments(): Vector[] {
  const at = { kind: 'segment', spec: '04§Index' }
  const refused = (name: string, value: unknown, why: string): Vector => refusedBytes(name, object('PXix', value), why)
  const refusedBytes = (name: string, bytes: Uint8Array, why: string): Vector => {
    return bad(`segment ${name}`, { ...at, bytes, why }, ['VALIDATION_DECODE', () => open.parseSegment(bytes)])
  }
  const expect = {
    shards: segment.shards.map(({ chunks }) => ({ id: hex(seed('shard 0')), chunks: hex(chunks) })),
    stripes: [hex(open.stripeId(stripe))],
  }
  return [
    good(
      'segment',
      { ...at, bytes: object('PXix', segment), why: 'which shard holds which chunk, which stripe which shards' },
      expect,
    ),
    refused(
      'with half a prefix',
      { ...segment, shards: [{ id: ids[0], chunks: new Uint8Array(24) }] },
      'prefixes are 16 bytes',
    ),
    refused(
      'with short shard id',
      { ...segment, shards: [{ id: new Uint8Array(31), chunks: new Uint8Array(16) }] },
      'ids are 32 bytes',
    ),
    refused('with bad stripe', { ...segment, stripes: [{ ...stripe, k: 6 }] }, 'k ≤ n'),
    refused('with extra field', { ...segment, extra: 0 }, 'fields are exact'),
    refusedBytes('under another tag', object('PXsl', segment), 'never read as another type'),
  ]
}

const texts = ['a chunk of text', 'another chunk of text', 'and one more']

function frame(codec: number, change: Readonly<Record<string, unknown>> = {}): object {
  const bytes = utf8(texts.join(''))
  const entries = texts.map((text) => [chunk(text), utf8(text).length])
  return { entries, codec, bytes: codec === 0 ? bytes : Uint8Array.from(zstdCompressSync(bytes)), ...change }
}

function inlineFrames(): Vector[] {
  const at = { kind: 'inline', spec: '04§Inline' }
  const expect = texts.map((text) => [hex(chunk(text)), hex(utf8(text))])
  const refused = (name: string, value: object, why: string): Vector => {
    const bytes = open.encode(value)
    return bad(`inline frame ${name}`, { ...at, bytes, why }, ['VALIDATION_DECODE', () => openInline(value)])
  }
  return [
    good('inline frame raw', { ...at, bytes: open.encode(frame(0)), why: 'chunks one after the other' }, expect),
    good('inline frame compressed', { ...at, bytes: open.encode(frame(1)), why: 'chunks one after the other' }, expect),
    refused('longer than its entries', frame(0, { bytes: utf8(`${texts.join('')}!`) }), 'lengths add up exactly'),
    refused('shorter than its entries', frame(0, { bytes: utf8('short') }), 'lengths add up exactly'),
    refused(
      'that unfolds to more',
      frame(1, { entries: [[chunk(texts[0] ?? ''), 3]] }),
      'a bomb is stopped at the announced length',
    ),
    refused('that is not zstd', frame(1, { bytes: utf8('not zstd') }), 'codec 1 is zstd'),
    refused('of codec 2', frame(0, { codec: 2 }), 'codecs are 0 and 1'),
    refused('over 16 MiB', frame(1, { entries: [[chunk('x'), 2 ** 24 + 1]] }), 'at most 16 MiB'),
    refused('with extra field', frame(0, { extra: 0 }), 'fields are exact'),
  ]
}

function openInline(value: object): Uint8Array {
  const parsed = open.parseInline(value)
  const plain = open.inflate(parsed, 24)
  if (plain.length !== parsed.plainLength) throw new open.OpenError('VALIDATION_DECODE', 'lengths do not add up')
  return plain
}

const host = (i: number) => ({
  peer: open.peerIdOf(publicKey(seed(`host ${i}`))),
  addresses: [`/ip4/10.0.0.${i}/tcp/7421`],
})
const group = {
  id: stream('group', 16),
  version: 3,
  k: 2,
  n: 5,
  slots: [1, 2, 3, 4, 5].map((i) => ({ host: host(i), former: i === 2 ? [host(9)] : [] })),
  standbys: [host(6)],
  rates: [980_000, 980_000, 750_000, 980_000, 1_000_000],
}
const head = {
  v: 1,
  vault: keys.vault,
  device,
  seq: 7,
  prev: seed('head before'),
  time: 1_767_225_600_000,
  authority: { version: 2, hash: seed('authority') },
  groups: [group],
  snapshots: [
    { chunk: open.chunkId(idMac, stored()), body: stored(), root: seed('root'), count: 12 },
    { chunk: chunk('older one'), body: null, root: seed('other root'), count: 3 },
  ],
  older: [chunk('list')],
  roots: [{ stripes: [stripe], chunks: [chunk('segment')] }],
  segments: [object('PXix', segment)],
  inline: [frame(1)],
  tombstones: [stream('forgotten', 16)],
}

function heads(): Vector[] {
  const at = { kind: 'head-body', spec: '04§Head' }
  const refused = (name: string, change: Readonly<Record<string, unknown>>, [error, why]: [string, string]): Vector => {
    const bytes = open.encode({ ...head, ...change })
    return bad(`head body ${name}`, { ...at, bytes, why }, [error, () => open.parseHead(bytes)])
  }
  const unconfirmed = (name: string, change: Readonly<Record<string, unknown>>, why: string): Vector =>
    good(
      `head body ${name}`,
      { ...at, bytes: open.encode({ ...head, ...change }), why },
      { error: 'VALIDATION_DECODE' },
    )
  const expect = {
    device,
    seq: 7,
    snapshots: head.snapshots.map((one) => hex(one.chunk)),
    older: head.older.map(hex),
    roots: [{ stripes: [hex(open.stripeId(stripe))], chunks: [hex(chunk('segment'))] }],
    inline: 1,
    tombstones: head.tombstones.map(hex),
    groups: [{ id: hex(group.id), k: 2, n: 5, hosts: group.slots.map((slot) => slot.host.peer) }],
  }
  return [
    good(
      'head body',
      { ...at, bytes: open.encode(head), why: 'everything a device needs to find its backups' },
      expect,
    ),
    refused('of version 2', { v: 2 }, ['VALIDATION_VERSION', 'unknown versions fail closed']),
    refused('with extra field', { extra: 0 }, ['VALIDATION_DECODE', 'fields are exact']),
    refused('with short vault', { vault: new Uint8Array(31) }, ['VALIDATION_DECODE', 'vault ids are 32 bytes']),
    refused('with a short id among the older', { older: [new Uint8Array(31)] }, [
      'VALIDATION_DECODE',
      'ids are 32 bytes',
    ]),
    refused('with bad root', { roots: [{ stripes: [{ ...stripe, k: 0 }], chunks: [] }] }, [
      'VALIDATION_DECODE',
      '1 ≤ k',
    ]),
    unconfirmed(
      'with a group of four slots for n 5',
      { groups: [{ ...group, slots: group.slots.slice(1) }] },
      'exactly n slots',
    ),
    unconfirmed(
      'with a rate over one',
      { groups: [{ ...group, rates: [1_000_001, 0, 0, 0, 0] }] },
      'rates are millionths',
    ),
    unconfirmed('with 65 snapshots', { snapshots: Array.from({ length: 65 }, () => head.snapshots[1]) }, 'at most 64'),
    unconfirmed('with short tombstone', { tombstones: [new Uint8Array(15)] }, 'snapshot ids are 16 bytes'),
    unconfirmed(
      'with peer that is none',
      { device: 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG' },
      'only Ed25519 peer ids',
    ),
  ]
}

function shardsRoots(): Vector[] {
  return [0, 1, 2, 5].map((count): Vector => {
    const some = ids.slice(0, count)
    const sorted = some.toSorted((a, b) => Buffer.compare(a, b))
    return {
      name: `shards root of ${count}`,
      spec: '04§Snapshot',
      input: { kind: 'shards-root', ids: some.map(hex) },
      expect: hex(open.merkleRoot(sorted.map((id) => open.leafHash(id)))),
      why: 'RFC 6962 root over the sorted ids',
    }
  })
}
