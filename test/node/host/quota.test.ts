import t from 'tap'
import { type Claim, Quota } from '../../../src/node/host/quota.ts'

const options = { offerBytes: 100, vaultBytes: 60, strangerBytes: 20, strangerShare: 0.1, diskReserve: 0.1 }

function quotaWith(changes: Partial<typeof options> = {}, disk = { totalBytes: 1_000, freeBytes: 1_000 }) {
  return new Quota({ ...options, ...changes }, { disk: { space: () => Promise.resolve(disk) }, path: '/' })
}

function claim(vault: string, storedBytes = 0, vouched = true): Claim {
  return { vault, vouched, storedBytes: () => storedBytes }
}

t.test('the tightest bound is named', async (t) => {
  t.same(await quotaWith().room(claim('a')), { bound: 'vault', freeBytes: 60 })
  t.same(await quotaWith().room(claim('a', 0, false)), { bound: 'vault', freeBytes: 10 }, 'a stranger gets a tenth')
  t.same(await quotaWith({ vaultBytes: 500 }).room(claim('a')), { bound: 'offer', freeBytes: 100 })
  const full = quotaWith({}, { totalBytes: 1_000, freeBytes: 130 })
  t.same(await full.room(claim('a')), { bound: 'disk', freeBytes: 30 })
  const beyond = quotaWith({}, { totalBytes: 1_000, freeBytes: 50 })
  t.same(await beyond.room(claim('a')), { bound: 'disk', freeBytes: 0 }, 'never below nothing')
})

t.test('reservations count against every bound until they end', async (t) => {
  const quota = quotaWith()
  const first = await quota.reserve(claim('a'), 50)
  await t.rejects(quota.reserve(claim('a'), 20), { code: 'STORAGE_QUOTA_EXCEEDED', details: { reason: 'vault' } })
  await quota.reserve(claim('b'), 40)
  await t.rejects(quota.reserve(claim('c'), 20), { code: 'STORAGE_QUOTA_EXCEEDED', details: { reason: 'offer' } })
  first.release()
  first.release()
  t.equal(quota.reservedBytes, 40, 'released once')
  const again = await quota.reserve(claim('a'), 50)
  again.settle()
  quota.count(50)
  again.release()
  t.equal(quota.reservedBytes, 40)
  t.equal((await quota.room(claim('a', 50))).freeBytes, 10)
})

t.test('reservations made at the same moment do not pass together', async (t) => {
  const quota = quotaWith({ vaultBytes: 1_000 })
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((vault) => quota.reserve(claim(vault), 40)))
  t.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 2)
  t.equal(quota.reservedBytes, 80)
})

t.test('resize and pause', async (t) => {
  const quota = quotaWith()
  quota.count(40)
  quota.resize(30)
  await t.rejects(quota.reserve(claim('a', 40), 1), { code: 'STORAGE_QUOTA_EXCEEDED', details: { freeBytes: 0 } })
  quota.resize(100)
  quota.pause(true)
  await t.rejects(quota.reserve(claim('a'), 1), { code: 'STORAGE_QUOTA_EXCEEDED', details: { reason: 'paused' } })
  quota.pause(false)
  t.equal((await quota.reserve(claim('a'), 1)).bytes, 1)
})

t.test('the disk keeps its reserve also when many ask at once', async (t) => {
  const quota = quotaWith({ offerBytes: 1_000, vaultBytes: 1_000 }, { totalBytes: 1_000, freeBytes: 150 })
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((vault) => quota.reserve(claim(vault), 40)))
  t.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
})

t.test('what a person grants a vault is its bound', async (t) => {
  const quota = quotaWith()
  t.same(await quota.room({ ...claim('a', 5), grantBytes: 20 }), { bound: 'vault', freeBytes: 15 })
  t.same(await quota.room({ ...claim('a'), grantBytes: 500 }), { bound: 'vault', freeBytes: 60 }, 'it widens nothing')
  await t.rejects(quota.reserve({ ...claim('a'), grantBytes: 0 }, 1), { code: 'STORAGE_QUOTA_EXCEEDED' })
})
