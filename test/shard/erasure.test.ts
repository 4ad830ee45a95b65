import t from 'tap'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ReedSolomonErasure } from '@subspace/reed-solomon-erasure.wasm'
import wabt from 'wabt'
import { erasureWasm } from '../../src/shard/erasure-wasm.ts'
import { generatorMatrix, multiply } from '../../src/shard/field.ts'
import { encodeParity, ladder, reconstruct, SHARD_BYTES, type Shape } from '../../src/shard/index.ts'
import { noise, random } from './samples.ts'

const long = process.env['PLEXICHAT_TEST_LONG'] === '1'

const dataOf = ({ k }: Shape, length: number, seed = 1) => Array.from({ length: k }, (_, i) => noise(length, seed + i))

/** The readable twin: matrix times vector at every byte position. */
function slowParity(shape: Shape, data: readonly Uint8Array[]): Buffer[] {
  return generatorMatrix(shape)
    .slice(shape.k)
    .map((row) =>
      Buffer.from(data[0]!.map((_, at) => row.reduce((sum, factor, i) => sum ^ multiply(factor, data[i]![at]!), 0))),
    )
}

function same(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => Buffer.compare(bytes, b[i]!) === 0)
}

/** Every way to choose k of n. */
function* subsets(n: number, k: number, from = 0): Generator<number[]> {
  if (k === 0) yield []
  else for (let i = from; i <= n - k; i++) for (const rest of subsets(n, k - 1, i + 1)) yield [i, ...rest]
}

t.test('the committed bytes are the built source', async (t) => {
  const tools = await wabt()
  const source = readFileSync(new URL('../../src/shard/erasure.wat', import.meta.url), 'utf8')
  const module = tools.parseWat('erasure.wat', source, { simd: true })
  module.resolveNames()
  module.validate()
  t.equal(Buffer.from(module.toBinary({}).buffer).toString('base64'), erasureWasm)
})

t.test('parity equals the readable twin for every shape up to n = 12, the ladder and the extremes', async (t) => {
  const shapes = Array.from({ length: 12 }, (_, n) => Array.from({ length: n + 1 }, (_, k) => ({ k: k + 1, n: n + 1 })))
  for (const shape of [...shapes.flat(), ...ladder, { k: 1, n: 255 }, { k: 128, n: 255 }, { k: 254, n: 255 }]) {
    const data = dataOf(shape, 96)
    t.ok(same(encodeParity(shape, data), slowParity(shape, data)), `${String(shape.k)} of ${String(shape.n)}`)
  }
})

t.test('parity of whole shards equals the independent implementation', async (t) => {
  const path = createRequire(import.meta.url).resolve('@subspace/reed-solomon-erasure.wasm')
  const peer = ReedSolomonErasure.fromBytes(readFileSync(new URL('reed_solomon_erasure_bg.wasm', `file://${path}`)))
  for (const shape of [{ k: 4, n: 6 }, { k: 10, n: 30 }, ...ladder.filter(({ n }) => n > 1 && n < 15)]) {
    const length = shape.n > 14 ? 65_536 : SHARD_BYTES
    const data = dataOf(shape, length, 7)
    const all = Buffer.concat([...data, Buffer.alloc((shape.n - shape.k) * length)])
    t.equal(peer.encode(all, shape.k, shape.n - shape.k), ReedSolomonErasure.RESULT_OK)
    t.ok(same([all.subarray(shape.k * length)], [Buffer.concat(encodeParity(shape, data))]), `n = ${String(shape.n)}`)
  }
})

t.test('every subset of k of n ≤ 12 brings back every shard', async (t) => {
  let tried = 0
  let wrong = 0
  for (let n = 1; n <= 12; n++) {
    for (let k = 1; k <= n; k++) {
      const data = dataOf({ k, n }, 32, n * 100 + k)
      const all = [...data, ...encodeParity({ k, n }, data)]
      for (const subset of subsets(n, k)) {
        const shares = all.map((share, i) => (subset.includes(i) ? share : undefined))
        if (!same(reconstruct({ k, n }, shares, [...all.keys()]), all)) wrong++
        tried++
      }
    }
  }
  t.equal(wrong, 0)
  t.equal(tried, 2 ** 13 - 2 - 12, 'all of them')
})

t.test('random subsets of larger shapes bring back every shard', async (t) => {
  const { below } = random('subsets')
  const shapes = [...ladder.filter(({ n }) => n > 12), { k: 16, n: 64 }, { k: 40, n: 64 }]
  const cases = shapes.map((shape) => {
    const data = dataOf(shape, 32, shape.n)
    return { shape, all: [...data, ...encodeParity(shape, data)] }
  })
  let wrong = 0
  for (let run = 0; run < (long ? 100_000 : 1_000); run++) {
    const { shape, all } = cases[run % cases.length]!
    const shares: (Uint8Array | undefined)[] = [...all]
    for (let left = shape.n; left > shape.k;) {
      const index = below(shape.n)
      if (shares[index] !== undefined) left--
      shares[index] = undefined
    }
    if (!same(reconstruct(shape, shares, [...all.keys()]), all)) wrong++
  }
  t.equal(wrong, 0)
})

t.test('whole shards: the most that may be lost is rebuilt, more shares than needed do no harm', async (t) => {
  const shape = { k: 3, n: 10 }
  const data = dataOf(shape, SHARD_BYTES, 5)
  const all = [...data, ...encodeParity(shape, data)]
  const shares = all.map((share, i) => (i < 7 ? undefined : share))
  t.ok(same(reconstruct(shape, shares, [6, 0, 2]), [all[6]!, all[0]!, all[2]!]))
  t.ok(same(reconstruct(shape, [undefined, ...all.slice(1)], [0]), [all[0]!]))
  t.equal(reconstruct(shape, all, [4])[0], all[4], 'what is there is returned as it is')
  t.same(reconstruct(shape, all, []), [])
})

t.test('fewer than k shares, wrong counts and odd lengths are refused', async (t) => {
  const shape = { k: 2, n: 4 }
  const data = dataOf(shape, 64)
  const bug = { code: 'SYSTEM_UNEXPECTED' }
  t.throws(() => reconstruct(shape, [data[0], undefined, undefined, undefined], [1]), bug)
  t.throws(() => reconstruct(shape, data, [3]), bug)
  t.throws(() => reconstruct(shape, [...data, undefined, undefined], [4]), bug)
  t.throws(() => encodeParity(shape, data.slice(1)), bug)
  t.throws(() => encodeParity(shape, [data[0]!, noise(32, 1)]), bug)
  t.throws(() => encodeParity(shape, [noise(33, 1), noise(33, 2)]), bug)
  for (const bad of [
    { k: 0, n: 1 },
    { k: 3, n: 2 },
    { k: 1, n: 256 },
    { k: 1.5, n: 2 },
  ]) {
    t.throws(() => encodeParity(bad, data), bug)
  }
})
