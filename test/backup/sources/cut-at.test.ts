import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Chunker, defaultChunkerOptions } from '../../../src/shard/index.ts'
import { cutAt } from '../../../src/backup/sources/cut-at.ts'

const chunker = new Chunker(defaultChunkerOptions, Buffer.alloc(32, 3))

async function pieces(data: Buffer, places: number[], blockBytes: number): Promise<Buffer[]> {
  let at = 0
  const fill = async (into: Uint8Array): Promise<number> => {
    const count = data.copy(into, 0, at, at + Math.min(into.length, 70_001))
    at += count
    return count
  }
  const result: Buffer[] = []
  const sizes = { blockBytes, maxBytes: defaultChunkerOptions.maxBytes }
  for await (const { slab, lengths } of cutAt(new Float64Array(places), { chunker, fill }, sizes)) {
    let from = 0
    for (const length of lengths) result.push(Buffer.from(slab.subarray(from, (from += length))))
    if (from !== slab.length) throw new Error('pieces are not the slab')
  }
  return result
}

t.test('all of it, in order, whatever the places; the size of blocks changes nothing', async (t) => {
  const data = randomBytes(700_000)
  const where = fc.array(fc.nat(data.length), { maxLength: 40 }).map((all) => [...new Set(all)].sort((a, b) => a - b))
  await fc.assert(
    fc.asyncProperty(where, async (places) => {
      const small = await pieces(data, places, 64 * 1024)
      const large = await pieces(data, places, 4 * 2 ** 20)
      const whole = Buffer.concat(small).equals(data)
      return whole && small.length === large.length && small.every((piece, i) => piece.equals(large[i]!))
    }),
    { numRuns: 15 },
  )
  t.pass()
})

t.test('a part is cut like anywhere else: the same member gives the same chunks', async (t) => {
  const member = randomBytes(500_000)
  const [before, longer] = [randomBytes(3000), randomBytes(123_456)]
  const cuts = async (head: Buffer): Promise<Set<string>> => {
    const all = await pieces(
      Buffer.concat([head, member, randomBytes(2000)]),
      [0, head.length, head.length + member.length],
      2 ** 20,
    )
    return new Set(all.map((piece) => piece.toString('latin1')))
  }
  const [one, other] = [await cuts(before), await cuts(longer)]
  const shared = [...one].filter((piece) => other.has(piece)).reduce((sum, piece) => sum + piece.length, 0)
  t.equal(shared, member.length)
  t.same((await pieces(Buffer.alloc(0), [], 2 ** 16)).length, 0)
})

t.test('without places it is cut like any stream', async (t) => {
  const data = randomBytes(900_000)
  const lengths: number[] = []
  for (let rest = data; rest.length > 0; rest = rest.subarray(lengths.at(-1))) lengths.push(chunker.next(rest))
  t.same(
    (await pieces(data, [], 2 ** 17)).map((piece) => piece.length),
    lengths,
  )
})
