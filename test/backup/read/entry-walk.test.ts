/** Entries of stored trees: all of them, those behind one, and without reading twice what is the same. */
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../src/base/bytes.ts'
import { EntryWalk } from '../../../src/backup/read/entry-walk.ts'
import { pathText, type Entry } from '../../../src/backup/read/entry.ts'
import { models, Objects } from '../../support/stored-tree.ts'
import { collect, never } from '../../support/vault.ts'

function walk(objects: Objects, only?: string): EntryWalk {
  const wanted = (names: readonly Uint8Array[]): boolean => pathText(names.slice(-1)).path === only
  return new EntryWalk(
    objects.tree,
    never,
    only === undefined ? { recursive: true } : { recursive: true, wanted, remember: true },
  )
}

const namesOf = ({ path, rawPath }: Entry): Buffer[] => {
  const bytes = rawPath === null ? Buffer.from(path) : Buffer.from(rawPath, 'hex')
  return bytes
    .toString('latin1')
    .split('/')
    .map((name) => Buffer.from(name, 'latin1'))
}

t.test('from behind any entry, what comes after it', async (t) => {
  await fc.assert(
    fc.asyncProperty(models, async (model) => {
      const objects = new Objects()
      const list = await objects.store(model)
      const all = await collect(walk(objects).entries(list, []))
      t.equal(new Set(all.map(({ path, rawPath }) => `${path} ${rawPath ?? ''}`)).size, all.length)
      for (const [i, entry] of all.entries())
        t.same(await collect(walk(objects).entries(list, [], namesOf(entry))), all.slice(i + 1))
    }),
    { numRuns: 60 },
  )
})

t.test('of two names that look the same each has its bytes', async (t) => {
  const objects = new Objects()
  const list = await objects.store({ '~': { a: 1 }, é: 2 })
  const entries = await collect(walk(objects).entries(list, []))
  t.match(entries, [
    { path: 'é', rawPath: null, type: 'file' },
    { path: 'é', rawPath: 'e9', type: 'dir' },
    { path: 'é/a', rawPath: 'e92f61' },
  ])
})

t.test('what lies at the same place in another tree is read once, and found in both', async (t) => {
  await fc.assert(
    fc.asyncProperty(models, models, models, async (one, other, more) => {
      const objects = new Objects()
      // Like nothing else in either tree.
      const same = { ...more, unique: 7777 }
      const lists = [await objects.store({ ...one, same }), await objects.store({ ...other, same })] as const
      const both = walk(objects, 'a')
      const first = await collect(both.entries(lists[0], []))
      objects.read.clear()
      const second = await collect(both.entries(lists[1], []))
      const { chunks } = await objects.store(same)
      t.notOk(chunks.some((id) => objects.read.has(toHex(id))))
      t.same(first, await collect(walk(objects, 'a').entries(lists[0], [])))
      t.same(second, await collect(walk(objects, 'a').entries(lists[1], [])))
    }),
    { numRuns: 60 },
  )
})
