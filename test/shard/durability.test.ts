import t from 'tap'
import fc from 'fast-check'
import { safety, survival, survivalLoss } from '../../src/shard/index.ts'

/** The readable twin: the sum over all 2ⁿ outcomes. */
function slowSurvival(k: number, rates: readonly number[]): number {
  let sum = 0
  for (let outcome = 0; outcome < 2 ** rates.length; outcome++) {
    const returned = rates.map((_, i) => ((outcome >> i) & 1) === 1)
    if (returned.filter(Boolean).length < k) continue
    sum += rates.reduce((p, rate, i) => p * (returned[i] === true ? rate : 1 - rate), 1)
  }
  return sum
}

const rate = fc.double({ min: 0, max: 1, noNaN: true })

t.test('equals the sum over all outcomes', async (t) => {
  fc.assert(
    fc.property(fc.array(rate, { maxLength: 9 }), fc.nat(10), (rates, k) => {
      return Math.abs(survival(k, rates) - slowSurvival(k, rates)) < 1e-12
    }),
  )
  t.pass()
})

t.test('a better host never makes it worse, a further host neither', async (t) => {
  fc.assert(
    fc.property(
      fc.array(rate, { minLength: 1, maxLength: 12 }),
      rate,
      fc.integer({ min: 1, max: 6 }),
      (rates, other, k) => {
        const better = [Math.max(other, rates[0]!), ...rates.slice(1)]
        const loss = survivalLoss(k, rates)
        return survivalLoss(k, better) <= loss + 1e-15 && survivalLoss(k, [...rates, other]) <= loss + 1e-15
      },
    ),
  )
  t.pass()
})

t.test('known values, small losses exact', async (t) => {
  const all = (n: number, p: number) => Array<number>(n).fill(p)
  t.equal(survival(1, [0.98]), 0.98)
  t.ok(Math.abs(survivalLoss(1, all(3, 0.98)) / 8e-6 - 1) < 1e-12)
  t.ok(Math.abs(survivalLoss(2, all(5, 0.98)) / (5 * 0.02 ** 4 * 0.98 + 0.02 ** 5) - 1) < 1e-12)
  t.ok(survivalLoss(10, all(30, 0.98)) < 1e-28 && survivalLoss(10, all(30, 0.98)) > 0)
  t.equal(survival(3, all(2, 1)), 0)
  t.equal(survival(0, []), 1)
})

t.test('safe takes every host set into account', async (t) => {
  t.equal(safety([]), 1)
  const one = { k: 1, rates: [0.9, 0.9] }
  t.ok(Math.abs(safety([one]) - 0.99) < 1e-15)
  t.ok(Math.abs(safety([one, { k: 1, rates: [0.95] }]) - 0.94) < 1e-15)
  t.equal(safety([{ k: 2, rates: [0.5] }, one]), 0, 'never below zero')
})
