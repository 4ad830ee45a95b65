import t from 'tap'
import { evennessOf, SizeEstimate } from '../../src/shard/size-estimate.ts'
import { chatter, noise } from './samples.ts'

t.test('evenness tells compressed data from the rest', async (t) => {
  for (let seed = 0; seed < 50; seed++) t.equal(evennessOf(noise(70_000, seed)), 8)
  t.equal(evennessOf(Buffer.alloc(70_000)), 0)
  t.equal(evennessOf(Buffer.from(noise(70_000, 1).toString('base64'))), 6)
  t.ok(evennessOf(chatter(70_000, 1)) < 6)
  t.equal(evennessOf(Buffer.of(1)), 8, 'too little to tell')
})

t.test('what a frame took is expected of the next, kind by kind', async (t) => {
  const estimate = new SizeEstimate()
  t.equal(estimate.ratioOf(8), 1)
  estimate.learn([{ evenness: 5, length: 1000 }], 150)
  t.ok(Math.abs(estimate.ratioOf(5) - 0.15) < 1e-9)
  t.equal(estimate.ratioOf(4), 0.5, 'other kinds stay')
  estimate.learn(
    [
      { evenness: 5, length: 1000 },
      { evenness: 8, length: 1000 },
    ],
    1200,
  )
  t.ok(Math.abs(estimate.ratioOf(5) - 0.2) < 1e-9)
  t.equal(estimate.ratioOf(8), 1, 'even content in company teaches nothing about itself')
  estimate.learn([{ evenness: 8, length: 1000 }], 500)
  t.equal(estimate.ratioOf(8), 0.5)
})

t.test('nothing is expected to grow or to vanish', async (t) => {
  const estimate = new SizeEstimate()
  estimate.learn([{ evenness: 3, length: 1000 }], 5000)
  t.equal(estimate.ratioOf(3), 1)
  estimate.learn([{ evenness: 3, length: 1000 }], 0)
  t.ok(estimate.ratioOf(3) > 0)
  estimate.learn([{ evenness: 3, length: 100_000 }], 1000)
  t.ok(estimate.ratioOf(3) > 0 && Number.isFinite(estimate.ratioOf(3)))
})
