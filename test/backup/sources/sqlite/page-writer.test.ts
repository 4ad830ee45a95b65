/** Pages of a database against a store in memory: what is restored is what was read, whatever changed in between. */
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { view } from '../../../../src/base/bytes.ts'
import { chunkId, defaultChunkerOptions, defaultPackerOptions, type ChunkId } from '../../../../src/shard/index.ts'
import { TreeReader } from '../../../../src/backup/tree/tree-reader.ts'
import type { Content } from '../../../../src/backup/tree/node.ts'
import {
  decodeSegment,
  encodeSegment,
  mapName,
  pagesPerChunk,
  pagesPerSegment,
  type PageSegment,
} from '../../../../src/backup/sources/sqlite/page-segment.ts'
import type { Pieces } from '../../../../src/backup/kernel/jobs.ts'
import { ownThread } from '../../../../src/backup/kernel/own-thread.ts'
import { KernelPool } from '../../../../src/backup/kernel/pool.ts'
import { systemBlockingDisk, systemClock, systemRandom } from '../../../../src/daemon/system/index.ts'
import { PageWriter, type PageStore } from '../../../../src/backup/sources/sqlite/page-writer.ts'

const never = new AbortController().signal
const idMac = Buffer.alloc(32, 7)

class MemoryStore implements PageStore {
  readonly chunks = new Map<string, Uint8Array>()
  lengths: number[] = []
  readonly lost = new Set<string>()

  async putPieces(slab: Uint8Array, { ids, lengths }: Pieces): Promise<void> {
    let at = 0
    lengths.forEach((length, i) => {
      this.lengths.push(length)
      this.#keep(chunkId(ids.slice(i * 32, i * 32 + 32)), slab.subarray(at, (at += length)))
    })
  }

  async putObject(object: Uint8Array): Promise<ChunkId> {
    return this.#put(object)
  }

  reuse(id: ChunkId): boolean {
    return !this.lost.has(keyOf(id))
  }

  #put(bytes: Uint8Array): ChunkId {
    return this.#keep(chunkId(createHash('sha256').update(bytes).digest()), bytes)
  }

  #keep(id: ChunkId, bytes: Uint8Array): ChunkId {
    this.chunks.set(keyOf(id), Buffer.from(bytes))
    this.lost.delete(keyOf(id))
    return id
  }
}

function keyOf(id: Uint8Array): string {
  return view(id).toString('hex')
}

const setup = {
  ...{ idMac, chunker: Buffer.alloc(32, 1), epochs: [] },
  ...{ chunk: defaultChunkerOptions, packer: defaultPackerOptions },
}
const threads = ownThread({ disk: systemBlockingDisk, random: systemRandom })
const kernel = new KernelPool(() => setup, { threads, clock: systemClock })

class Database {
  readonly store = new MemoryStore()
  readonly segments = new Map<number, PageSegment>()
  readonly pageBytes: number

  constructor(pageBytes: number) {
    this.pageBytes = pageBytes
  }

  /** Backs up `data`; gives the content and the bytes stored for it. */
  async backup(data: Buffer): Promise<{ content: Content; stored: number }> {
    this.store.lengths = []
    const writer = new PageWriter(
      {
        size: data.length,
        pageBytes: this.pageBytes,
        // Short reads, as a disk may give.
        read: async (into, position) => data.copy(into, 0, position, position + Math.min(into.length, 100_000)),
      },
      {
        store: this.store,
        map: {
          get: (no) => {
            const segment = this.segments.get(no)
            return segment === undefined ? undefined : decodeSegment(encodeSegment(segment))
          },
          put: (no, segment) => this.segments.set(no, segment),
        },
        kernel,
        signal: never,
        progress: () => undefined,
      },
    )
    const { content, size } = await writer.write()
    if (size !== data.length) throw new Error('not all of it was read')
    return { content, stored: this.store.lengths.reduce((sum, length) => sum + length, 0) }
  }

  async restore(content: Content, size: number): Promise<Buffer> {
    const reader = new TreeReader((id) => Promise.resolve(this.chunk(id)))
    const parts: Uint8Array[] = []
    for await (const { chunk, from, length } of reader.extents(content, size))
      parts.push(chunk === null ? Buffer.alloc(length) : this.chunk(chunk).subarray(from, from + length))
    return Buffer.concat(parts)
  }

  chunk(id: ChunkId): Uint8Array {
    const bytes = this.store.chunks.get(keyOf(id))
    if (bytes === undefined || this.store.lost.has(keyOf(id))) throw new Error('a chunk that is not there')
    return bytes
  }
}

t.test('random edits of pages, growth and shrinking: restored is what was read; chunks may get lost', async (t) => {
  const edits = fc.array(
    fc.record({
      pages: fc.array(fc.nat(199), { maxLength: 40 }),
      size: fc.integer({ min: 1, max: 200 * 512 }),
      lose: fc.array(fc.nat(1000), { maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  await fc.assert(
    fc.asyncProperty(edits, fc.constantFrom(512, 1024, 4096), async (rounds, pageBytes) => {
      const database = new Database(pageBytes)
      let data = randomBytes(150 * 512)
      for (const round of [{ pages: [], size: data.length, lose: [] }, ...rounds]) {
        data = Buffer.concat([data.subarray(0, round.size), randomBytes(Math.max(0, round.size - data.length))])
        for (const page of round.pages)
          if (page * pageBytes < data.length) data.writeUInt8(page & 0xff, page * pageBytes)
        const keys = [...database.store.chunks.keys()]
        for (const no of round.lose) if (no < keys.length) database.store.lost.add(keys[no]!)
        const { content } = await database.backup(data)
        if (!(await database.restore(content, data.length)).equals(data)) return false
      }
      return true
    }),
    { numRuns: 150 },
  )
  t.pass()
})

t.test('only changed pages are stored, packed together; nothing when nothing changed', async (t) => {
  const pageBytes = 4096
  const pages = pagesPerSegment(pageBytes) + 100
  const data = randomBytes(pages * pageBytes)
  const database = new Database(pageBytes)
  const first = await database.backup(data)
  t.equal(first.stored, data.length)
  t.ok(database.store.lengths.every((length) => length <= 65_536))
  t.same((await database.backup(data)).stored, 0)

  for (let i = 0; i < 20; i++) data.writeUInt8((data.readUInt8(i * 50 * pageBytes) + 1) & 0xff, i * 50 * pageBytes)
  const second = await database.backup(data)
  t.equal(second.stored, 20 * pageBytes)
  t.same(database.store.lengths, [16 * pageBytes, 4 * pageBytes], 'far pages share chunks')
  t.ok((await database.restore(second.content, data.length)).equals(data))
  t.equal((await database.backup(data)).stored, 0)
})

t.test('what lives of a chunk less than half live is stored again', async (t) => {
  const pageBytes = 4096
  const perChunk = pagesPerChunk(pageBytes)
  t.equal(perChunk, 16)
  const data = randomBytes(perChunk * 4 * pageBytes)
  const database = new Database(pageBytes)
  await database.backup(data)
  const change = (page: number): void =>
    void data.writeUInt8((data.readUInt8(page * pageBytes) + 1) & 0xff, page * pageBytes)
  for (let page = 0; page < 8; page++) change(page)
  t.equal((await database.backup(data)).stored, 8 * pageBytes, 'half of the chunk lives on')
  change(8)
  t.equal((await database.backup(data)).stored, 8 * pageBytes, 'seven pages of sixteen: stored with the changed one')
  const { content, stored } = await database.backup(data)
  t.equal(stored, 0)
  t.ok((await database.restore(content, data.length)).equals(data))
})

t.test('chunks that are gone are not referred to', async (t) => {
  const data = randomBytes(64 * 4096)
  const database = new Database(4096)
  await database.backup(data)
  const [first] = [...database.store.chunks.keys()]
  database.store.lost.add(first!)
  const { content, stored } = await database.backup(data)
  t.equal(stored, 65_536)
  t.ok((await database.restore(content, data.length)).equals(data))
})

t.test('segments: what was written is read; anything that does not add up is no segment', async (t) => {
  const database = new Database(1024)
  const data = randomBytes(3 * pagesPerSegment(1024) * 1024 - 100)
  await database.backup(data)
  data.fill(1, 5000, 5010)
  await database.backup(data)
  t.equal(database.segments.size, 3)
  for (const segment of database.segments.values()) {
    const bytes = encodeSegment(segment)
    t.same(encodeSegment(decodeSegment(bytes)!), bytes)
    t.equal(decodeSegment(bytes.subarray(1)), undefined)
    t.equal(decodeSegment(bytes.subarray(0, 5)), undefined)
    const broken = Buffer.from(bytes)
    broken.fill(0xff, 8 + segment.pages * 16, 8 + segment.pages * 18)
    t.equal(decodeSegment(broken), undefined, 'a slot without a chunk')
  }
  t.notSame(mapName(idMac, Buffer.from('/a')), mapName(idMac, Buffer.from('/b')))
})

t.test('a database of the largest pages', async (t) => {
  const data = randomBytes(5 * 65_536)
  const database = new Database(65_536)
  await database.backup(data)
  data.fill(0, 65_536, 70_000)
  const { content, stored } = await database.backup(data)
  t.equal(stored, 65_536)
  t.ok((await database.restore(content, data.length)).equals(data))
})
