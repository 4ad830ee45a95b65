import fc from 'fast-check'
import t from 'tap'
import { DAY } from '../../../src/base/clock.ts'
import { vaultId } from '../../../src/crypto/ids.ts'
import { floorInForce, type HeldFloor, type Terms } from '../../../src/crypto/terms.ts'
import { heldAfter, leaseUntil, mergeRenewals } from '../../../src/node/host/lease.ts'
import { MAX_HELD_FLOORS } from '../../../src/node/host/options.ts'

const all = new Uint8Array(0)
const vault = vaultId(new Uint8Array(32))

t.test('a lease is that of the put or of the best renewal that covers it', (t) => {
  const shard = { id: Uint8Array.of(7, 1, 2), number: 5, time: 1_000 }
  t.equal(leaseUntil(shard, [], 100), 1_100)
  t.equal(leaseUntil(shard, [{ prefix: all, upTo: 4, until: 9_000 }], 100), 1_100, 'numbered later')
  t.equal(leaseUntil(shard, [{ prefix: all, upTo: 5, until: 9_000 }], 100), 9_000)
  t.equal(leaseUntil(shard, [{ prefix: Uint8Array.of(8), upTo: 5, until: 9_000 }], 100), 1_100, 'another prefix')
  t.equal(leaseUntil(shard, [{ prefix: Uint8Array.of(7), upTo: 5, until: 50 }], 100), 1_100, 'never shortened')
  t.same(mergeRenewals({ prefix: all, upTo: 9, until: 5 }, { prefix: all, upTo: 3, until: 8 }), {
    prefix: all,
    upTo: 9,
    until: 8,
  })
  t.end()
})

t.test('whatever terms follow, every floor holds for as long as it promised', () => {
  const step = fc.record({ floorDays: fc.integer({ min: 7, max: 400 }), afterDays: fc.integer({ min: 0, max: 60 }) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 60 }), (steps) => {
      let now = 0
      let terms: Terms | undefined
      let held: HeldFloor[] = []
      const promises: HeldFloor[] = []
      for (const [i, { floorDays, afterDays }] of steps.entries()) {
        now += afterDays * DAY
        const next: Terms = { v: 1, vault, version: i + 1, floorDays, revokedSerials: [] }
        if (terms !== undefined) {
          promises.push({ floorDays: terms.floorDays, untilMs: now + terms.floorDays * DAY })
          held = heldAfter({ old: terms, next }, held, now)
        }
        terms = next
        if (held.length > MAX_HELD_FLOORS) return false
        for (const at of [now, now + 5 * DAY, now + 100 * DAY]) {
          const owed = promises.filter((promise) => promise.untilMs > at).map((promise) => promise.floorDays)
          if (floorInForce(terms, held, at) < Math.max(terms.floorDays, ...owed)) return false
        }
      }
      return true
    }),
    { numRuns: 500 },
  )
  return Promise.resolve()
})
