/** Vectors of docs/spec/04-snapshot-and-head.md. */
import { headBodyVectors } from './head-body.ts'
import { seed, stream } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import { bad, chunk, good, idMac, object, snapshot, stored } from './snapshot-parts.ts'
import { toJson, type Vector } from './vector.ts'

export function snapshotVectors(): readonly Vector[] {
  return [...nodeVectors(), ...listVectors(), ...storedSnapshots(), ...headBodyVectors()]
}

const plain = { mode: 0o644, uid: 1000, gid: 1000, mtime: 1_767_225_600_123_456_789n }
const file = {
  ...plain,
  name: utf8('a file'),
  type: 'file',
  size: 70_000,
  depth: 0,
  extents: [
    [chunk('one'), 0, 65_536],
    [chunk('two'), 10, 464],
    [null, 0, 4000],
  ],
}
const nodes = [
  file,
  { ...plain, name: utf8('device'), type: 'char', mode: 0o620, device: [4, 1] },
  {
    ...plain,
    name: utf8('dir'),
    type: 'dir',
    mode: 0o755,
    depth: 0,
    list: [chunk('children')],
    user: 'alice',
    group: 'staff',
  },
  { ...plain, name: utf8('link'), type: 'link', mode: 0o777, mtime: -1, target: utf8('../elsewhere') },
  { ...plain, name: utf8('pipe'), type: 'fifo', mode: 0o600 },
  {
    ...plain,
    name: Uint8Array.of(0xff, 0xfe),
    type: 'socket',
    mode: 0o4777,
    xattrs: [[utf8('user.note'), utf8('kept')]],
  },
]

const block = { ...plain, name: utf8('block'), type: 'block', mode: 0o660, device: [0xfff01, 0xfffff] }
const attributed = {
  ...file,
  xattrs: [
    [utf8('system.posix_acl_access'), Uint8Array.of(2, 0, 0, 0)],
    [Uint8Array.of(0x75, 0x73, 0x65, 0x72, 0x2e, 0xff), new Uint8Array(0)],
  ],
}

function deviceVectors(at: { kind: string; spec: string }): Vector[] {
  const refused = (name: string, device: unknown, why: string): Vector => {
    const bytes = object('PXtn', [{ ...block, device }])
    return bad(`device ${name}`, { ...at, bytes, why }, ['VALIDATION_DECODE', () => open.parseNodes(bytes)])
  }
  return [
    refused('of one number', [8], 'major and minor'),
    refused('of three numbers', [8, 1, 0], 'major and minor'),
    refused('with minor 2^32', [8, 2 ** 32], '32 bits'),
    refused('of null', null, 'absent values are left out'),
  ]
}

function refusedNodes(at: { kind: string; spec: string }): Vector[] {
  const refused = (name: string, change: Readonly<Record<string, unknown>>, why: string): Vector => {
    const bytes = object('PXtn', [{ ...file, ...change }])
    return bad(`node ${name}`, { ...at, bytes, why }, ['VALIDATION_DECODE', () => open.parseNodes(bytes)])
  }
  return [
    ...['', '.', '..', 'a/b', '/', 'nul\0'].map((name) =>
      refused(`named ${JSON.stringify(name)}`, { name: utf8(name) }, 'one path component'),
    ),
    refused('with a name of 1,025 bytes', { name: new Uint8Array(1025).fill(97) }, 'names are at most 1,024 bytes'),
    refused('with a negative hard link', { hardLink: -1 }, 'unsigned'),
    refused('with an attribute without value', { xattrs: [[utf8('user.a')]] }, 'pairs'),
    refused('with an attribute of text', { xattrs: [['user.a', utf8('1')]] }, 'bytes'),
    refused('with an attribute name of 256 bytes', { xattrs: [[new Uint8Array(256), utf8('1')]] }, 'at most 255'),
    refused('with a device that is a file', { device: [1, 3] }, 'only devices have numbers'),
    ...deviceVectors(at),
    refused('of unknown type', { type: 'door' }, 'types are a closed list'),
    refused('with mode 010000', { mode: 0o10000 }, 'twelve bits'),
    refused('with uid 2^32', { uid: 2 ** 32 }, '32 bits'),
    refused('with time beyond 64 bits', { mtime: 2n ** 63n }, 'signed 64 bits'),
    refused('with depth 9', { depth: 9 }, 'at most 8'),
    refused('with extra field', { extra: 1 }, 'fields are exact'),
    refused('with a field of another type', { target: utf8('x') }, 'only links have targets'),
    refused('without extents', { extents: null }, 'a file has extents'),
    refused('with extent of two', { extents: [[null, 0]] }, 'an extent has three parts'),
    refused('with negative extent', { extents: [[null, -1, 1]] }, 'unsigned'),
    refused('with short chunk id', { extents: [[new Uint8Array(31), 0, 1]] }, 'ids are 32 bytes'),
  ]
}

function nodeVectors(): Vector[] {
  const spec = '04§Tree'
  const at = { kind: 'nodes', spec }
  const order = (name: string, names: readonly string[], why: string): Vector => {
    const bytes = object(
      'PXtn',
      names.map((text) => ({ ...file, name: utf8(text) })),
    )
    return bad(`nodes ${name}`, { ...at, bytes, why }, ['VALIDATION_DECODE', () => open.parseNodes(bytes)])
  }
  const wrongTag = object('PXtl', nodes)
  return [
    good(
      'nodes of every type',
      { ...at, bytes: object('PXtn', nodes), why: 'each has what its type asks for' },
      toJson(nodes),
    ),
    good('no nodes', { ...at, bytes: object('PXtn', []), why: 'an empty directory' }, []),
    good(
      'top node',
      { ...at, bytes: object('PXtn', [{ ...file, origin: utf8('/home/alice/a file') }]), why: 'where it came from' },
      toJson([{ ...file, origin: utf8('/home/alice/a file') }]),
    ),
    good(
      'hard link',
      { ...at, bytes: object('PXtn', [{ ...file, hardLink: 7 }]), why: 'equal numbers are one inode' },
      toJson([{ ...file, hardLink: 7 }]),
    ),
    good(
      'block device of twenty-bit numbers',
      { ...at, bytes: object('PXtn', [block]), why: 'major and minor are separate numbers' },
      toJson([block]),
    ),
    good(
      'extended attributes',
      { ...at, bytes: object('PXtn', [attributed]), why: 'names and values are bytes, an empty value is one' },
      toJson([attributed]),
    ),
    bad('nodes under another tag', { ...at, bytes: wrongTag, why: 'never read as another type' }, [
      'VALIDATION_DECODE',
      () => open.parseNodes(wrongTag),
    ]),
    ...refusedNodes(at),
    order('out of order', ['b', 'a'], 'ascending by name'),
    order('with a name twice', ['a', 'a'], 'strictly ascending'),
  ]
}

function listVectors(): Vector[] {
  const spec = '04§Lists'
  const ids = [chunk('one'), chunk('two')]
  const extents = [
    [chunk('one'), 0, 5],
    [null, 0, 7],
  ]
  const cases: [string, string, Uint8Array, string][] = [
    ['list of ids with a short one', 'ids', object('PXtl', [new Uint8Array(31)]), 'ids are 32 bytes'],
    ['list of ids under another tag', 'ids', object('PXex', ids), 'never read as another type'],
    ['list of extents under another tag', 'extents', object('PXtl', extents), 'never read as another type'],
    ['list of extents with text', 'extents', object('PXex', [['x', 0, 1]]), 'chunk ids or null'],
  ]
  return [
    good(
      'list of ids',
      { kind: 'ids', spec, bytes: object('PXtl', ids), why: 'pieces of a long directory' },
      ids.map(hex),
    ),
    good(
      'list of extents',
      { kind: 'extents', spec, bytes: object('PXex', extents), why: 'pieces of a long file' },
      toJson(extents),
    ),
    ...cases.map(([name, kind, bytes, why]) =>
      bad(name, { kind, spec, bytes, why }, [
        'VALIDATION_DECODE',
        () => (kind === 'ids' ? open.parseIds(bytes) : open.parseExtents(bytes)),
      ]),
    ),
  ]
}

function storedSnapshots(): Vector[] {
  const at = { kind: 'snapshot', spec: '04§Snapshot' }
  const refused = (name: string, bytes: Uint8Array, [error, why]: [string, string]): Vector =>
    bad(`snapshot ${name}`, { ...at, bytes, why }, [error, () => open.parseSnapshot(bytes, idMac)])
  return [
    good(
      'snapshot',
      { ...at, bytes: stored(), why: 'it opens; the key is id-mac of the phrase in 01' },
      toJson({ ...snapshot, id: hex(snapshot.id) }),
    ),
    good(
      'snapshot with parent',
      { ...at, bytes: stored({ parent: stream('parent', 16), partial: true }), why: 'the one before it' },
      toJson({ ...snapshot, id: hex(snapshot.id), parent: stream('parent', 16), partial: true }),
    ),
    refused('of another vault', stored({}, seed('other')), ['SECURITY_SIGNATURE', 'the MAC is not ours']),
    refused('with changed body', concat(stored().subarray(0, -1), Uint8Array.of(0x61)), [
      'SECURITY_SIGNATURE',
      'the MAC covers it',
    ]),
    refused('under another tag', concat(utf8('PXsl'), stored().subarray(4)), [
      'VALIDATION_DECODE',
      'never read as another type',
    ]),
    refused('of version 2', stored({ v: 2 }), ['VALIDATION_VERSION', 'unknown versions fail closed']),
    refused('with short id', stored({ id: stream('snapshot id', 15) }), ['VALIDATION_DECODE', 'ids are 16 bytes']),
    refused('with extra field', stored({ extra: 0 }), ['VALIDATION_DECODE', 'fields are exact']),
    refused('with stats that are no counts', stored({ stats: { ...snapshot.stats, files: -1 } }), [
      'VALIDATION_DECODE',
      'unsigned',
    ]),
    refused('with tree that is none', stored({ tree: { list: [], depth: 9 } }), [
      'VALIDATION_DECODE',
      'depth is at most 8',
    ]),
  ]
}
