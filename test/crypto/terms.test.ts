import t from 'tap'
import fc from 'fast-check'
import { DAY } from '../../src/base/clock.ts'
import { encode } from '../../src/crypto/codec.ts'
import { signEnvelope } from '../../src/crypto/signature.ts'
import {
  floorInForce,
  heldFloors,
  openTerms,
  signTerms,
  supersedes,
  type HeldFloor,
  type Terms,
} from '../../src/crypto/terms.ts'
import { flipBit, otherWords, vault } from './fixtures.ts'

const secrets = vault()
const thief = vault(otherWords)
const base: Terms = { v: 1, vault: secrets.vault, version: 1, floorDays: 7, revokedSerials: [] }
const terms = (version: number, floorDays: number, revokedSerials: readonly number[] = []): Terms =>
  openTerms(signTerms(secrets.sign, { version, floorDays, revokedSerials }), secrets.vault)

t.test('terms say what was signed, serials sorted', (t) => {
  t.same(terms(3, 30, [9, 2, 2 ** 48 - 1, 9]), {
    v: 1,
    vault: secrets.vault,
    version: 3,
    floorDays: 30,
    revokedSerials: [2, 9, 2 ** 48 - 1],
  })
  t.end()
})

t.test('wrong terms are refused', (t) => {
  const content = { version: 1, floorDays: 7, revokedSerials: [] }
  for (const bad of [
    { floorDays: 6 },
    { floorDays: 3651 },
    { version: 0 },
    { floorDays: 7.5 },
    { revokedSerials: [-1] },
  ]) {
    t.throws(() => signTerms(secrets.sign, { ...content, ...bad }), { name: 'PlexiError' })
  }
  const many = Array.from({ length: 1025 }, (_, i) => i)
  t.throws(() => signTerms(secrets.sign, { ...content, revokedSerials: many }), { code: 'VALIDATION_DECODE' })
  t.ok(signTerms(secrets.sign, { ...content, revokedSerials: many.slice(1).map((i) => 2 ** 47 + i) }).length < 16_384)
  const bytes = signTerms(secrets.sign, content)
  t.throws(() => openTerms(bytes, thief.vault), { code: 'SECURITY_SIGNATURE' })
  for (let bit = 0; bit < bytes.length * 8; bit++)
    t.throws(() => openTerms(flipBit(bytes, bit), secrets.vault), { name: 'PlexiError' })
  const plain = { v: 1, vault: thief.vault, version: 1, floorDays: 7, revokedSerials: [] }
  t.throws(() => openTerms(signEnvelope(secrets.sign, 'terms', encode(plain)), secrets.vault), {
    code: 'VALIDATION_DECODE',
  })
  const unsorted = { ...plain, vault: secrets.vault, revokedSerials: [2, 1] }
  t.throws(() => openTerms(signEnvelope(secrets.sign, 'terms', encode(unsorted)), secrets.vault), {
    code: 'VALIDATION_DECODE',
  })
  t.end()
})

t.test('newer terms rise in version and forget no serial', (t) => {
  t.ok(supersedes(terms(1, 7), terms(2, 7)))
  t.ok(supersedes(terms(1, 7, [1]), terms(5, 30, [1, 2])))
  t.notOk(supersedes(terms(2, 7), terms(2, 8)))
  t.notOk(supersedes(terms(2, 7), terms(1, 7)))
  t.notOk(supersedes(terms(1, 7, [1, 2]), terms(2, 7, [2, 3])))
  const foreign = openTerms(signTerms(thief.sign, { version: 9, floorDays: 7, revokedSerials: [] }), thief.vault)
  t.notOk(supersedes(terms(1, 7), foreign))
  t.end()
})

t.test('a longer floor counts at once, a shorter one when the old one has run out', (t) => {
  const held = heldFloors(terms(1, 30), [], 0)
  t.equal(floorInForce(terms(2, 60), held, 0), 60)
  t.equal(floorInForce(terms(2, 7), held, 0), 30)
  t.equal(floorInForce(terms(2, 7), held, 30 * DAY - 1), 30)
  t.equal(floorInForce(terms(2, 7), held, 30 * DAY), 7)
  t.end()
})

t.test('floors that have run out or are covered are forgotten', (t) => {
  const first = heldFloors(terms(1, 30), [], 0)
  t.same(first, [{ floorDays: 30, untilMs: 30 * DAY }])
  t.same(heldFloors(terms(2, 7), first, 30 * DAY), [{ floorDays: 7, untilMs: 37 * DAY }])
  t.same(heldFloors(terms(2, 7), first, 1 * DAY), first)
  t.same(heldFloors(terms(2, 60), first, 1 * DAY), [{ floorDays: 60, untilMs: 61 * DAY }])
  t.end()
})

t.test('property: no series of changes releases anything sooner than was promised', (t) => {
  const change = fc.record({ floorDays: fc.integer({ min: 7, max: 100 }), afterDays: fc.integer({ min: 0, max: 60 }) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      let current: Terms = { ...base, floorDays: 30 }
      let held: HeldFloor[] = []
      let now = 0
      const promises = [{ at: 0, floorDays: 30 }]
      for (const { floorDays, afterDays } of changes) {
        now += afterDays * DAY
        held = heldFloors(current, held, now)
        current = { ...current, version: current.version + 1, floorDays }
        if (new Set(held.map((floor) => floor.floorDays)).size < held.length) return false
        promises.push({ at: now, floorDays })
        // A floor that was in force until now must hold for its own length from now on.
        const before = promises.at(-2)?.floorDays ?? 0
        if (floorInForce(current, held, now) < before) return false
        if (floorInForce(current, held, now + before * DAY - 1) < before) return false
      }
      return floorInForce(current, held, now + 101 * DAY) === current.floorDays
    }),
  )
  t.end()
})
