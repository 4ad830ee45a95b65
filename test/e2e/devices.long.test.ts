/** Twenty rounds of two devices that back up at the same moment, one of them killed at a random moment of each. */
import t from 'tap'
import { TestCircle } from '../support/circle.ts'
import { checkBoth, round, startPair } from '../support/device-rounds.ts'
import { seededRandom } from '../support/seeded-random.ts'

const ROUNDS = 20
const MAX_DELAY_MS = 2_500

const circle = new TestCircle()
t.teardown(() => circle.close())

t.test('twenty rounds with kills', async (t) => {
  const pair = await startPair(circle, 3)
  const random = seededRandom('device rounds')
  for (let i = 0; i < ROUNDS; i++) await round(pair, i, random.below(MAX_DELAY_MS))
  await checkBoth(t, pair)
})
