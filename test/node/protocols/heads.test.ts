import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { equal, toHex } from '../../../src/base/bytes.ts'
import { getHeads, putHead } from '../../../src/node/protocols/index.ts'
import { openNotice, sealedHashOf } from '../../../src/shard/index.ts'
import { headOf, testHost, TestVault } from '../storage-fixture.ts'

t.test('heads of all devices come back to any device of the vault, newest each', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const [one, two] = [vault.device(), vault.device()]
  const first = headOf(one)
  const second = headOf(one, { seq: 2, prev: sealedHashOf(first.bundle.sealed) })
  await putHead(host.call(one.peer), one, first)
  await putHead(host.call(one.peer), one, second)
  const other = headOf(two, { terms: one.terms })
  await putHead(host.call(two.peer), two, other)
  const recovered = vault.device(['store', 'fetch', 'head'])
  const heads = await getHeads(host.call(recovered.peer), { certificate: recovered.certificate }, vault.id)
  t.equal(heads.length, 2)
  const mine = heads.find((head) => head.notice.device === one.peer)
  t.equal(mine?.notice.seq, 2)
  t.ok(mine !== undefined && equal(mine.bundle.sealed, second.bundle.sealed))
  t.ok(mine !== undefined && equal(mine.bundle.authority, second.bundle.authority))
  t.ok(heads.every((head) => equal(head.bundle.terms, two.terms) || equal(head.bundle.terms, one.terms)))
})

t.test('a lower seq is refused by name of the newest', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  await putHead(host.call(device.peer), device, headOf(device, { seq: 5 }))
  const { call, served, server } = host.open(device.peer)
  const put = headOf(device, { seq: 4 })
  await t.rejects(putHead(call, device, put), { code: 'STORAGE_HEAD_STALE', details: { seq: 4, newest: 5 } })
  await served
  t.ok(server.takenBytes < 4096, 'no body was read')
  t.equal((await getHeads(host.call(device.peer), device, device.vault))[0]?.notice.seq, 5)
})

t.test('two heads of one seq are a fork; the evidence stays', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  await putHead(host.call(device.peer), device, headOf(device, { seq: 3, body: 'here' }))
  const forked = headOf(device, { seq: 3, body: 'there' })
  const { call, served, server } = host.open(device.peer)
  await t.rejects(putHead(call, device, forked), { code: 'STORAGE_HEAD_FORKED', details: { seq: 3 } })
  await served
  t.ok(server.takenBytes < 4096, 'no body was read')
  await t.rejects(putHead(host.call(device.peer), device, forked), { code: 'STORAGE_HEAD_FORKED' })
  const [head] = await getHeads(host.call(device.peer), device, device.vault)
  t.equal(head?.forks.length, 1, 'once')
  t.ok(head !== undefined && equal(head.forks[0] ?? new Uint8Array(), forked.bundle.notice))
})

t.test('a newer head that does not continue the known one is taken, and the known notice kept', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const known = headOf(device, { seq: 3 })
  await putHead(host.call(device.peer), device, known)
  await putHead(host.call(device.peer), device, headOf(device, { seq: 4, prev: new Uint8Array(32).fill(9) }))
  const [head] = await getHeads(host.call(device.peer), device, device.vault)
  t.equal(head?.notice.seq, 4)
  t.match(
    head?.forks.map((fork) => openNotice(fork).seq),
    [3],
  )
})

t.test('the same head again costs no body, unless its records are new', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  await putHead(host.call(device.peer), device, headOf(device))
  const repeat = host.open(device.peer)
  await putHead(repeat.call, device, headOf(device))
  await repeat.served
  t.ok(repeat.server.takenBytes < 4096)
  const records = [Buffer.from('period 1'), Buffer.from('period 2')]
  await putHead(host.call(device.peer), device, headOf(device, { records }))
  const kept = []
  for await (const one of host.store.headRecords()) kept.push(one)
  t.equal(kept.length, 1)
  t.same(
    kept[0]?.records.map((record) => Buffer.from(record).toString()),
    ['period 1', 'period 2'],
  )
})

t.test('older terms are refused, newer ones kept', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const device = vault.device()
  const [older, newer] = [vault.terms(), vault.terms({ revokedSerials: [4711] })]
  await putHead(host.call(device.peer), device, headOf(device, { terms: newer }))
  const late = putHead(host.call(device.peer), device, headOf(device, { seq: 2, terms: older }))
  await t.rejects(late, { code: 'SECURITY_ROLLBACK', details: { what: 'terms' } })
  const forgetful = vault.terms({ revokedSerials: [] })
  const forgot = putHead(host.call(device.peer), device, headOf(device, { seq: 2, terms: forgetful }))
  await t.rejects(forgot, { code: 'SECURITY_ROLLBACK' }, 'a higher version that forgets a revocation')
  t.ok(equal((await host.store.terms.get(vault.id))?.bytes ?? new Uint8Array(), newer))
})

t.test('a body that is not what the request names is refused', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const put = headOf(device)
  const wrong = { ...put, bundle: { ...put.bundle, sealed: Buffer.alloc(4096) } }
  await t.rejects(putHead(host.call(device.peer), device, wrong), { code: 'SECURITY_SIGNATURE' })
  t.same(await getHeads(host.call(device.peer), device, device.vault), [])
  t.equal(host.store.usage().reservedBytes, 0)
})

t.test('a damaged head file is left out', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const [one, two] = [vault.device(), vault.device()]
  await putHead(host.call(one.peer), one, headOf(one, { terms: two.terms }))
  await putHead(host.call(two.peer), two, headOf(two))
  const file = join(host.directory, 'hosted', toHex(vault.id), `head-${one.peer}`)
  await writeFile(file, (await readFile(file)).subarray(0, 100))
  const heads = await getHeads(host.call(two.peer), two, vault.id)
  t.same(
    heads.map((head) => head.notice.device),
    [two.peer],
  )
})

t.test('heads of one vault are bounded', async (t) => {
  const host = await testHost(t, { host: { maxHeadsPerVault: 2 } })
  const vault = new TestVault()
  const terms = vault.terms()
  for (const device of [vault.device(), vault.device()]) {
    await putHead(host.call(device.peer), device, headOf(device, { terms }))
  }
  const third = vault.device()
  await t.rejects(putHead(host.call(third.peer), third, headOf(third, { terms })), { code: 'STORAGE_QUOTA_EXCEEDED' })
})
