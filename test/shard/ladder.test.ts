import t from 'tap'
import fc from 'fast-check'
import {
  chooseShape,
  ladder,
  minimumReceipts,
  placedThreshold,
  shortStripe,
  survivalLoss,
} from '../../src/shard/index.ts'

t.test('the shape for a number of hosts', async (t) => {
  const shapes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 16, 17, 24, 35, 36, 1000].map((hosts) => {
    const shape = chooseShape(hosts)
    return shape === undefined ? 'none' : `${String(shape.k)}/${String(shape.n)}+${String(shape.spares)}`
  })
  t.same(
    shapes.join(' '),
    'none 1/1+0 1/2+0 1/3+0 1/3+1 1/3+1 2/5+1 2/5+2 2/5+2 2/7+2 2/7+2 3/10+2 3/10+3 4/14+3 6/20+4 6/20+6 10/30+6 10/30+167',
  )
})

t.test('a shape never needs the spares and never shrinks as hosts join', async (t) => {
  let before = 0
  for (let hosts = 1; hosts <= 200; hosts++) {
    const shape = chooseShape(hosts)!
    t.ok(shape.n + shape.spares <= hosts && shape.n >= before, `${String(hosts)} hosts`)
    before = shape.n
  }
})

t.test('a short stripe is as durable as a full one, with no more shards than that takes', async (t) => {
  const shapes = fc.constantFrom(...ladder)
  fc.assert(
    fc.property(
      shapes,
      fc.nat(9),
      fc.array(fc.double({ min: 0.5, max: 0.999, noNaN: true }), { minLength: 30, maxLength: 30 }),
      (full, less, rates) => {
        const s = Math.max(1, full.k - less)
        const group = rates.slice(0, full.n)
        const { k, n } = shortStripe(s, full, group)
        const bound = survivalLoss(full.k, group)
        const loss = (count: number) => survivalLoss(s, group.slice(0, count))
        const least = n === s || (n === s + 1 && full.n > full.k) || loss(n - 1) > bound
        return k === s && n <= full.n && (s === full.k ? n === full.n : loss(n) <= bound * (1 + 1e-12) && least)
      },
    ),
  )
  t.same(shortStripe(1, { k: 2, n: 5 }, [0.98, 0.98, 0.98, 0.98, 0.98]), { k: 1, n: 4 })
  t.same(shortStripe(1, { k: 3, n: 10 }, Array<number>(10).fill(1)), { k: 1, n: 2 }, 'never without parity')
  t.same(shortStripe(1, { k: 1, n: 1 }, [0.98]), { k: 1, n: 1 })
  t.same(shortStripe(1, { k: 2, n: 2 }, [0.9, 0.9]), { k: 1, n: 1 })
})

t.test('receipts that make a stripe placed, and those it needs at least', async (t) => {
  const counts = ladder.map((shape) => `${String(minimumReceipts(shape))} ${String(placedThreshold(shape))}`)
  t.same(counts, ['1 1', '2 2', '2 3', '3 4', '3 6', '4 8', '5 11', '7 16', '11 24'])
})
