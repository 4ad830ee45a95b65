/**
 * What a tree may hold that means harm, as directories to be put into snapshots: one function each. They are written by
 * hand, past the codec of the product, so that they can say what it never would.
 */
import { concat, utf8 } from '../../src/base/bytes.ts'
import type { Random } from '../../src/base/random.ts'
import type { NodeList } from '../../src/backup/tree/node.ts'
import { encode, type Plain } from '../../src/crypto/codec.ts'
import type { ChunkId } from '../../src/shard/index.ts'
import type { ChunkPut } from './hostile-vault.ts'

export type NodePlain = Readonly<Record<string, Plain>>

export interface Craft extends ChunkPut {
  readonly random: Random
  /** Absolute path of a folder that must not be touched; it holds a file `canary` and a folder `folder`. */
  readonly outside: string
}

/** `nodes` of one directory, sorted when they are stored; or its list as it is. */
export type Hostile = { readonly nodes: readonly NodePlain[] } | { readonly list: NodeList }
type Ingredient = (craft: Craft) => Promise<Hostile> | Hostile

const MTIME = 1_600_000_000_000_000_000n
const common = { mode: 0o644, uid: 0, gid: 0, mtime: MTIME }

export function named(name: string | Uint8Array, rest: NodePlain): NodePlain {
  return { ...common, name: typeof name === 'string' ? Buffer.from(name) : name, ...rest }
}

export async function file(craft: ChunkPut, name: string | Uint8Array, content: Uint8Array): Promise<NodePlain> {
  const extents = [[await craft.put(content), 0, content.length]]
  return named(name, { type: 'file', size: content.length, extents, depth: 0 })
}

const empty = (name: string | Uint8Array, rest: NodePlain = {}): NodePlain =>
  named(name, { type: 'file', size: 0, extents: [], depth: 0, ...rest })
const link = (name: string | Uint8Array, target: string | Uint8Array, rest: NodePlain = {}): NodePlain =>
  named(name, { type: 'link', target: Buffer.from(target), ...rest })
const dir = (name: string | Uint8Array, list: readonly Plain[], rest: NodePlain = {}): NodePlain =>
  named(name, { type: 'dir', mode: 0o755, list, depth: 0, ...rest })
const sized = (size: Plain, extents: readonly Plain[], depth: Plain = 0): NodePlain =>
  named('sized', { type: 'file', size, extents, depth })

/** One piece of a directory, in the order in which the nodes come. */
export function piece(craft: ChunkPut, nodes: readonly NodePlain[]): Promise<ChunkId> {
  return craft.put(concat(utf8('PXtn'), encode(nodes)))
}

const list = (craft: ChunkPut, items: readonly Plain[]): Promise<ChunkId> =>
  craft.put(concat(utf8('PXtl'), encode(items)))
const extentList = (craft: ChunkPut, extents: readonly Plain[]): Promise<ChunkId> =>
  craft.put(concat(utf8('PXex'), encode(extents)))

export async function listOf(craft: ChunkPut, hostile: Hostile): Promise<NodeList> {
  if ('list' in hostile) return hostile.list
  const sorted = hostile.nodes.toSorted((a, b) => Buffer.compare(a['name'] as Uint8Array, b['name'] as Uint8Array))
  return { depth: 0, chunks: [await piece(craft, sorted)] }
}

const flat = (...chunks: ChunkId[]): Hostile => ({ list: { depth: 0, chunks } })

function below(random: Random, count: number): number {
  return random.below(count)
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T
}

/** A file in a directory of that name: what lies below counts as well. */
async function both(craft: Craft, name: string | Uint8Array): Promise<Hostile> {
  const inside = await piece(craft, [await file(craft, 'inside', Buffer.from('inside'))])
  const kinds = [
    await file(craft, name, Buffer.from('hostile')),
    dir(name, [inside]),
    link(name, craft.outside),
    named(name, { type: 'fifo' }),
  ]
  return flat(await piece(craft, [pick(craft.random, kinds)]))
}

const names =
  (...of: (string | Uint8Array | ((craft: Craft) => string))[]): Ingredient =>
  (craft) => {
    const name = pick(craft.random, of)
    return both(craft, typeof name === 'function' ? name(craft) : name)
  }

/** The bytes of a list in which one thing was changed. */
async function bent(craft: Craft, change: (bytes: Buffer) => Uint8Array): Promise<Hostile> {
  const nodes = [await file(craft, 'a', Buffer.from('a')), link('b', 'a'), dir('c', [])]
  return flat(await craft.put(change(Buffer.from(concat(utf8('PXtn'), encode(nodes))))))
}

/** A directory whose only child is one like it, and so on. `besides`: more nodes of each, encoded. */
async function nest(
  craft: Craft,
  { levels, name = 'd', besides = [] }: { levels: number; name?: string; besides?: readonly NodePlain[] },
): Promise<Hostile> {
  const more = besides.map((node) => Buffer.from(encode(node)))
  const count = 1 + more.length
  const start = Buffer.from([0x99, count >> 8, count & 0xff])
  let chunk = await piece(craft, [empty('bottom')])
  for (let level = 0; level < levels; level++) {
    const deeper = encode(dir(name, [chunk]))
    chunk = await craft.put(concat(utf8('PXtn'), ...(count < 256 ? [encodedStart(count)] : [start]), deeper, ...more))
  }
  return flat(chunk)
}

/** The head of a CBOR array of fewer than 256 items. */
function encodedStart(count: number): Uint8Array {
  return count < 24 ? Buffer.from([0x80 + count]) : Buffer.from([0x98, count])
}

/** Directories that share all they have: few bytes, and `width` to the power of `levels` entries. */
async function shared(
  craft: Craft,
  {
    leaf,
    width = 50,
    levels = 6,
    rest = {},
  }: { leaf: readonly NodePlain[]; width?: number; levels?: number; rest?: NodePlain },
): Promise<Hostile> {
  let chunks = [await piece(craft, leaf)]
  for (let level = 0; level < levels; level++) {
    const children = Array.from({ length: width }, (_, i) => dir(`d${String(i).padStart(3, '0')}`, chunks, rest))
    chunks = [await piece(craft, children)]
  }
  return flat(...chunks)
}

/** Extents of extents of extents: `leaf` over and over. `length`: what one `leaf` says it is. */
async function manyExtents(craft: Craft, leaf: readonly Plain[], depth: number, repeat: number): Promise<Hostile> {
  let length = Number(leaf[2])
  let extent = leaf
  for (let level = 0; level < depth; level++) {
    const chunk = await extentList(craft, Array<Plain>(repeat).fill(extent))
    length *= repeat
    extent = [chunk, 0, length]
  }
  return { nodes: [sized(length, [extent], depth)] }
}

async function manyLists(craft: Craft, leaf: ChunkId, levels: number): Promise<Hostile> {
  let chunk = leaf
  for (let level = 0; level < levels; level++) chunk = await list(craft, Array<Plain>(7_000).fill(chunk))
  return { list: { depth: levels, chunks: [chunk] } }
}

const wrongValues: readonly Plain[] = [
  null,
  true,
  -1,
  2 ** 53 - 1,
  2n ** 63n,
  2n ** 64n - 1n,
  -(2n ** 63n),
  '',
  'file',
  '../x',
  new Uint8Array(),
  [],
  {},
  [[]],
]

/** A node of any type in which one field has a value of another kind, or is missing, or is one too many. */
async function wrongField(craft: Craft): Promise<Hostile> {
  const { random } = craft
  const nodes = [
    await file(craft, 'wrong', Buffer.from('x')),
    link('wrong', 'x', { hardLink: 1, user: 'root', group: 'root' }),
    dir('wrong', [], { xattrs: [] }),
    named('wrong', { type: 'char', device: [1, 1] }),
  ]
  let node: NodePlain = pick(random, nodes)
  const key = pick(random, Object.keys(node))
  const how = below(random, 6)
  const other = pick(random, ['extra', '__proto_', 'constructor', 'list', 'target'])
  if (how === 0) node = Object.fromEntries(Object.entries(node).filter(([each]) => each !== key))
  else node = { ...node, [how === 1 ? other : key]: pick(random, wrongValues) }
  return flat(await piece(craft, [node]))
}

const u8 = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

/** What ends soon. */
export const ingredients: Readonly<Record<string, Ingredient>> = {
  'a slash in a name': names('../outside/canary', 'a/b', '/', 'a/', '/etc/plexichat-hostile', '../../x', './x'),
  'an absolute name': names(
    ({ outside }) => `${outside}/canary`,
    ({ outside }) => `${outside}/new`,
  ),
  'dots for a name': names('..', '.', '...', '..\0', '.. ', '. .'),
  'a NUL in a name': names('\0', 'a\0b', 'canary\0/../..'),
  'no name': names(''),
  'a long name': names('n'.repeat(255), 'n'.repeat(256), 'ü'.repeat(200), 'n'.repeat(1_024), 'n'.repeat(1_025)),
  'a name of Windows': names(
    'CON',
    'NUL',
    'aux.txt',
    'COM1',
    'LPT¹',
    'a:b',
    'C:',
    'C:\\x',
    '..\\..\\x',
    '\\\\host\\share',
    'dot.',
    'space ',
    'a<b>|"?*',
    '::$DATA',
    '\\',
  ),
  'odd letters in a name': names(
    'é',
    'é',
    '‮gnp.exe',
    '‏x',
    '​',
    '﻿x',
    u8(0xed, 0xa0, 0x80),
    u8(0xff, 0xfe),
    u8(0xc0, 0xae, 0xc0, 0xae),
    u8(0xc0, 0xaf),
    u8(0xf4, 0x90, 0x80, 0x80),
    '∕',
    '․․',
    '．．',
    'e\u0301'.repeat(80),
  ),
  'a name that is a command': names(
    '-rf',
    '~',
    '$HOME',
    '`id`',
    '\u001b[2J',
    'a\nb',
    '\r',
    '*',
    '.plexichat-restore-0123456789abcdef',
  ),
  'names that differ in case and form': () => ({
    nodes: [link('A', '..'), empty('a'), link('ß', '..'), empty('SS'), link('é', '../..'), empty('é')],
  }),
  'one name twice': async (craft) => {
    const twice = [link('x', craft.outside), dir('x', [await piece(craft, [empty('canary')])])]
    return flat(await piece(craft, below(craft.random, 2) === 0 ? twice : twice.toReversed()))
  },
  'one name in two pieces': async (craft) => {
    const inside = await piece(craft, [await file(craft, 'canary', Buffer.from('overwritten'))])
    const first = await piece(craft, [empty('a'), link('x', craft.outside)])
    const second = await piece(craft, [dir('x', [inside])])
    return flat(first, second)
  },
  'one piece twice': async (craft) => {
    const chunk = await piece(craft, [empty('a'), link('x', craft.outside)])
    return flat(chunk, chunk)
  },
  'names out of order': async (craft) => flat(await piece(craft, [empty('b'), empty('a')])),
  'links to what is outside': ({ outside }) => ({
    nodes: ['../../outside', '../outside', outside, `${outside}/canary`, '/', '..', '.', 'loop'].map((target, i) =>
      link(i === 7 ? 'loop' : `link${String(i)}`, target),
    ),
  }),
  'targets no system has': ({ random }) => ({
    nodes: [
      link(
        'x',
        pick(random, [
          Buffer.alloc(0),
          Buffer.from('a\0b'),
          Buffer.alloc(4_096, 'a'),
          Buffer.alloc(32_768, 'a'),
          Buffer.alloc(32_769, 'a'),
        ]),
      ),
    ],
  }),
  'a link target of a MiB': async (craft) => flat(await piece(craft, [link('x', Buffer.alloc(1_000_000, 'a'))])),
  'a hard link to a link': ({ outside, random }) => ({
    nodes: [
      link('a', `${outside}/canary`, { hardLink: 1 }),
      pick(random, [
        empty('b', { hardLink: 1 }),
        link('b', 'elsewhere', { hardLink: 1 }),
        named('b', { type: 'fifo', hardLink: 1 }),
      ]),
      empty('c', { hardLink: 1 }),
    ],
  }),
  'hard links of every kind under one number': async (craft) => ({
    nodes: [
      dir('a', [], { hardLink: 7 }),
      { ...(await file(craft, 'b', Buffer.from('one'))), hardLink: 7 },
      { ...(await file(craft, 'c', Buffer.from('other'))), hardLink: 7 },
      named('d', { type: 'fifo', hardLink: 7 }),
      named('e', { type: 'socket', hardLink: 7 }),
      link('f', craft.outside, { hardLink: 7 }),
      empty('g', { hardLink: Number.MAX_SAFE_INTEGER }),
    ],
  }),
  devices: ({ random }) => ({
    nodes: [
      named('block', { type: 'block', device: [8, 0], mode: 0o666 }),
      named('char', { type: 'char', device: [1, 1], mode: 0o666 }),
      named('huge', { type: 'char', device: [2 ** 32 - 1, pick(random, [0, 2 ** 32 - 1])] }),
    ],
  }),
  'devices that are none': ({ random }) => ({
    nodes: [
      named('x', {
        type: 'block',
        device: pick<Plain>(random, [[], [1], [1, 2, 3], [-1, 0], [2 ** 32, 0], ['a', 'b']]),
      }),
    ],
  }),
  'fifos and sockets': () => ({
    nodes: [named('fifo', { type: 'fifo', mode: 0o4666 }), named('socket', { type: 'socket' })],
  }),
  'a size that lies': async (craft) => {
    const chunk = await craft.put(Buffer.from('ten bytes.'))
    const size = pick<Plain>(craft.random, [0, 9, 11, 2 ** 40, 2 ** 53 - 1, 2n ** 63n, 2n ** 64n - 1n, -1])
    return { nodes: [sized(size, [[chunk, 0, 10]])] }
  },
  'extents that lie outside their chunk': async (craft) => {
    const chunk = await craft.put(Buffer.from('ten bytes.'))
    const [from, length] = pick<[Plain, Plain]>(craft.random, [
      [0, 11],
      [10, 1],
      [5, 6],
      [2 ** 53 - 1, 1],
      [2 ** 53 - 1, 10],
      [-1, 2],
      [2n ** 63n, 1],
      [11, -1],
    ])
    return { nodes: [sized(length, [[chunk, from, length]])] }
  },
  'extents that share bytes': async (craft) => {
    const chunk = await craft.put(Buffer.from('ten bytes.'))
    return {
      nodes: [
        sized(14, [
          [chunk, 0, 10],
          [chunk, 5, 3],
          [chunk, 9, 1],
        ]),
      ],
    }
  },
  'extents of nothing': async (craft) => {
    const chunk = pick(craft.random, [null, await craft.put(Buffer.from('ten bytes.'))])
    return { nodes: [sized(0, Array<Plain>(8_000).fill([chunk, 0, 0]))] }
  },
  'extents of no chunk': ({ random }) => ({
    nodes: [sized(1, [pick<Plain>(random, [[random.bytes(32), 0, 1], [random.bytes(31), 0, 1], [0, 0, 1], [], null])])],
  }),
  'a hole of petabytes': () => ({ nodes: [sized(2 ** 52, [[null, 0, 2 ** 52]])] }),
  'a hole longer than counting': () => ({ nodes: [sized(2 ** 53 - 1, Array<Plain>(3).fill([null, 0, 2 ** 53 - 1]))] }),
  'lists of extents that lie': async (craft) => {
    const chunk = await craft.put(Buffer.from('ten bytes.'))
    const inner = await extentList(craft, [[chunk, 0, 10]])
    const other = await piece(craft, [empty('a')])
    const outer = pick<Plain>(craft.random, [
      [inner, 0, 11],
      [null, 0, 10],
      [chunk, 0, 10],
      [other, 0, 10],
      [inner, 3, 10],
    ])
    return { nodes: [sized(10, [outer], 1 + below(craft.random, 3))] }
  },
  'more depth than there is': async (craft) => {
    const chunk = await piece(craft, [empty('a')])
    return { list: { depth: 1 + below(craft.random, 8), chunks: [chunk] } }
  },
  'a depth beyond the bound': async (craft) => ({ nodes: [dir('x', [await piece(craft, [])], { depth: 9 })] }),
  'lists of lists of nothing': async (craft) => ({ list: { depth: 1, chunks: [await list(craft, [])] } }),
  'a list too long': async (craft) => ({
    list: { depth: 1, chunks: [await list(craft, Array<Plain>(8_193).fill(u8()))] },
  }),
  'a piece that is missing': ({ random }) => flat(random.bytes(32) as ChunkId),
  'a piece of another type': async (craft) => {
    const tag = pick(craft.random, ['PXtl', 'PXex', 'PXsn', 'PXsl', 'PXix', 'PXtN', 'junk', ''])
    return flat(await craft.put(concat(utf8(tag), encode([]))))
  },
  'junk for a piece': async (craft) => flat(await craft.put(craft.random.bytes(1 + below(craft.random, 300)))),
  'a piece cut short': (craft) => bent(craft, (bytes) => bytes.subarray(0, 5 + below(craft.random, bytes.length - 5))),
  'a piece with more behind it': (craft) => bent(craft, (bytes) => concat(bytes, u8(0))),
  'a byte changed': (craft) =>
    bent(craft, (bytes) => {
      const at = 4 + below(craft.random, bytes.length - 4)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(craft.random, 8))
      return bytes
    }),
  'another encoding': (craft) => {
    const forms = [
      u8(0x9f, 0xff),
      u8(0x98, 0x00),
      u8(0xc1, 0x80),
      u8(0xf9, 0x3c, 0x00),
      u8(0xf7),
      u8(0x81, 0xbf, 0xff),
      u8(0x81, 0xa2, 0x61, 0x61, 1, 0x61, 0x61, 1),
    ]
    return craft.put(concat(utf8('PXtn'), pick(craft.random, forms))).then((chunk) => flat(chunk))
  },
  'counts that are not there': async (craft) => {
    const heads = [
      u8(0x9a, 255, 255, 255, 255),
      u8(0x9b, 0, 0, 0, 16, 0, 0, 0, 0),
      u8(0x81, 0xba, 255, 255, 255, 255),
      u8(0x81, 0x5a, 127, 255, 255, 255),
    ]
    return flat(await craft.put(concat(utf8('PXtn'), pick(craft.random, heads))))
  },
  'values inside values': async (craft) => flat(await craft.put(concat(utf8('PXtn'), Buffer.alloc(200_000, 0x81)))),
  'a piece too large': async (craft) => flat(await piece(craft, [link('x', Buffer.alloc(270_000, 'a'))])),
  'a field of the wrong kind': wrongField,
  'attributes with odd names': ({ random, outside }) => ({
    nodes: [empty('a'), dir('b', []), link('c', outside), named('d', { type: 'fifo' })].map((node) => ({
      ...node,
      xattrs: [
        ...[
          '',
          'x',
          'user.',
          'user.a\0b',
          `user.${'n'.repeat(250)}`,
          'security.capability',
          'trusted.overlay.opaque',
          'system.posix_acl_access',
          'system.posix_acl_default',
          '../x',
        ].map((name) => [Buffer.from(name), random.bytes(1 + below(random, 40))]),
      ],
    })),
  }),
  'attributes that are large or many': ({ random }) => ({
    nodes: [
      empty('a', {
        xattrs: pick<Plain>(random, [
          [[utf8('user.a'), new Uint8Array(65_536)]],
          [[utf8('user.a'), new Uint8Array(65_537)]],
          Array.from({ length: 1_024 }, (_, i) => [utf8(`user.${String(i)}`), random.bytes(64)]),
          Array.from({ length: 1_025 }, () => [utf8('user.a'), u8(1)]),
          [[utf8('user.a')], [utf8('user.b'), u8(1), u8(2)]],
        ]),
      }),
    ],
  }),
  'modes and owners of power': async (craft) => ({
    nodes: [
      { ...(await file(craft, 'setuid', Buffer.from('#!/bin/sh'))), mode: 0o6777, uid: 0xffffffff, gid: 0xffffffff },
      { ...(await file(craft, 'root', Buffer.from('#!/bin/sh'))), mode: 0o7777, user: 'root', group: 'root\n' },
      dir('closed', [await piece(craft, [empty('inside')])], { mode: 0 }),
      dir('sticky', [await piece(craft, [empty('inside', { mode: 0 })])], { mode: 0o7777, user: '../..' }),
      link('link', craft.outside, { mode: 0o7777, uid: 1 }),
    ],
  }),
  'a mode beyond the bound': () => ({ nodes: [empty('x', { mode: 0o10000 })] }),
  'times at the end of time': ({ random }) => ({
    nodes: [empty('a'), dir('b', []), link('c', 'a'), named('d', { type: 'fifo' })].map((node) => ({
      ...node,
      mtime: pick(random, [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 63n, -1n, 10n ** 18n * 9n]),
    })),
  }),
  'many small files': async (craft) => {
    const chunk = await craft.put(Buffer.from('x'))
    const nodes = Array.from({ length: 200 }, (_, i) =>
      named(String(i), { type: 'file', size: 1, extents: [[chunk, 0, 1]], depth: 0 }),
    )
    return { nodes }
  },
  'depth beyond the bound': (craft) => nest(craft, { levels: 100, name: 'd'.repeat(1 + below(craft.random, 60)) }),
}

/** What would never end, or take all there is. Few trees: each runs until it is stopped. */
export const bombs: Readonly<Record<string, Ingredient>> = {
  'ten thousand directories one in the other': (craft) => nest(craft, { levels: 10_000 }),
  'directories one in the other, all of them large': (craft) =>
    nest(craft, {
      levels: 500,
      name: 'a',
      besides: Array.from({ length: 1_500 }, (_, i) => empty(`b${String(i).padStart(4, '0')}`)),
    }),
  'one chunk for hundreds of terabytes': async (craft) =>
    manyExtents(craft, [await craft.put(Buffer.alloc(262_144, 'bomb')), 0, 262_144], 3, 1_000),
  'one byte for terabytes': async (craft) => manyExtents(craft, [await craft.put(Buffer.from('b')), 0, 1], 3, 5_000),
  'holes of one byte': (craft) => manyExtents(craft, [null, 0, 1], 4, 5_000),
  'extents of nothing without end': (craft) => manyExtents(craft, [null, 0, 0], 5, 5_000),
  'lists of nothing without end': async (craft) => manyLists(craft, await piece(craft, []), 5),
  'directories without end': (craft) => shared(craft, { leaf: [empty('x')] }),
  'links without end': (craft) =>
    shared(craft, {
      leaf: Array.from({ length: 7 }, (_, i) => link(String(i), Buffer.alloc(32_768, 'a'))),
      width: 100,
    }),
  'names of one file without end': (craft) =>
    shared(craft, {
      leaf: [
        empty('0', {
          hardLink: 1,
          xattrs: [
            [utf8('user.a'), new Uint8Array(60_000)],
            [utf8('user.b'), new Uint8Array(60_000)],
          ],
        }),
      ],
      width: 100,
    }),
  'files with attributes without end': (craft) =>
    shared(craft, {
      leaf: Array.from({ length: 3 }, (_, i) =>
        empty(String(i), { xattrs: [[utf8('user.a'), new Uint8Array(60_000)]] }),
      ),
      width: 100,
    }),
  'directories with attributes without end': (craft) =>
    shared(craft, {
      leaf: [empty('x')],
      width: 3,
      levels: 20,
      rest: { xattrs: [[utf8('user.a'), new Uint8Array(60_000)]] },
    }),
  'failures without end': (craft) =>
    shared(craft, { leaf: Array.from({ length: 200 }, (_, i) => empty(String(i).padStart(1_000, 'n'))), width: 100 }),
  'missing chunks without end': (craft) => {
    const gone = named('gone', { type: 'file', size: 1, extents: [[craft.random.bytes(32), 0, 1]], depth: 0 })
    return shared(craft, {
      leaf: Array.from({ length: 200 }, (_, i) => ({ ...gone, name: Buffer.from(String(i).padStart(3, '0')) })),
      width: 100,
    })
  },
}
