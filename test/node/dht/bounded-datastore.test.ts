import t from 'tap'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { Attribution, BoundedDatastore, type StoreRule } from '../../../src/node/dht/bounded-datastore.ts'

const rule: StoreRule = {
  prefix: '/dht/record',
  what: 'records',
  maxEntries: 50,
  maxEntriesPerPeer: 10,
  maxValueBytes: 100,
  evictAfterMs: 1_000,
}

function make(changes: Partial<StoreRule> = {}, burst = 1_000) {
  let time = 1
  const inner = new MemoryDatastore()
  const attribution = new Attribution()
  const clock = { now: () => time, elapsed: () => time, sleep: async () => undefined }
  const store = new BoundedDatastore(
    { rules: [{ ...rule, ...changes }], perPeer: { burst, perSecond: 1 }, allPeers: { burst: 10_000, perSecond: 1 } },
    { inner, clock, attribution },
  )
  const put = (peer: string | undefined, name: string, value = Uint8Array.of(1)): Promise<Key> => {
    const key = new Key(`/dht/record/${name}`)
    return peer === undefined ? store.put(key, value) : attribution.run(peer, () => store.put(key, value))
  }
  return {
    store,
    inner,
    put,
    pass: (ms: number) => {
      time += ms
    },
  }
}

async function size(inner: MemoryDatastore): Promise<number> {
  let count = 0
  for await (const _key of inner.queryKeys({})) count++
  return count
}

void t.test('one peer gets its share and no more', async (t) => {
  const { inner, put } = make()
  for (let i = 0; i < 30; i++) await put('mallory', String(i)).catch(() => undefined)
  t.equal(await size(inner), 10)
  await t.rejects(put('mallory', 'more'), { code: 'VALIDATION_LIMIT' })
  await put('mallory', '3', Uint8Array.of(2))
  await put('alice', 'a')
  t.equal(await size(inner), 11, 'replacing is free, others are not affected')
})

void t.test('all peers together fill no more than the whole', async (t) => {
  const { inner, put } = make()
  for (let i = 0; i < 300; i++) await put(`peer${i}`, String(i)).catch(() => undefined)
  t.equal(await size(inner), 50)
})

void t.test('a million writes of one peer are rationed before they reach the disk', async (t) => {
  const { inner, put } = make({ maxEntries: 100_000, maxEntriesPerPeer: 100_000 }, 256)
  let written = 0
  for (let i = 0; i < 20_000; i++) {
    try {
      await put('mallory', 'same', Uint8Array.of(i & 255))
      written++
    } catch {
      // rationed
    }
  }
  t.equal(written, 256)
  t.equal(await size(inner), 1)
})

void t.test('old entries make room, fresh and kept ones do not', async (t) => {
  const { store, inner, put, pass } = make({ maxEntries: 2, keep: (key) => key.endsWith('kept') })
  await put('a', 'kept')
  await put('b', 'old')
  await t.rejects(put('c', 'new'), { code: 'VALIDATION_LIMIT' })
  pass(2_000)
  await put('c', 'new')
  t.equal(await size(inner), 2)
  t.ok(await store.has(new Key('/dht/record/kept')))
  t.notOk(await store.has(new Key('/dht/record/old')))
})

void t.test('what may not replace is refused; values have a bound; our own writes have no ration', async (t) => {
  const { put } = make({ mayReplace: (stored, value) => (value[0] ?? 0) >= (stored[0] ?? 0) }, 2)
  await put('a', 'x', Uint8Array.of(5))
  await t.rejects(put('a', 'x', Uint8Array.of(4)), { code: 'SECURITY_ROLLBACK' })
  await t.rejects(put('a', 'x', Uint8Array.of(6)), { code: 'NETWORK_BUSY' })
  await t.rejects(put(undefined, 'y', new Uint8Array(101)), { code: 'VALIDATION_LIMIT' })
  for (let i = 0; i < 20; i++) await put(undefined, String(i))
})

void t.test('a restart counts what is there and drops what is too much; deleting makes room', async (t) => {
  const { store, inner, put } = make({ maxEntries: 5 })
  for (let i = 0; i < 9; i++) await inner.put(new Key(`/dht/record/${i}`), Uint8Array.of(1))
  await inner.put(new Key('/elsewhere/1'), Uint8Array.of(1))
  await store.load()
  t.equal(store.count(rule.prefix), 5)
  t.equal(await size(inner), 6)
  await put('a', 'fresh')
  t.equal(store.count(rule.prefix), 5, 'entries of an earlier run are the first to go')
  await store.delete(new Key('/dht/record/fresh'))
  t.equal(store.count(rule.prefix), 4)
})

void t.test('batches pass the same caps', async (t) => {
  const { store, inner } = make({ maxEntries: 1 })
  const batch = store.batch()
  batch.put(new Key('/dht/record/1'), Uint8Array.of(1))
  batch.put(new Key('/dht/record/2'), Uint8Array.of(1))
  await t.rejects(async () => batch.commit())
  t.equal(await size(inner), 1)
})

void t.test('of two writes at once the older one loses, and no cap is passed', async (t) => {
  const newer = (stored: Uint8Array, value: Uint8Array): boolean => (value[0] ?? 0) >= (stored[0] ?? 0)
  const { inner, put } = make({ mayReplace: newer })
  await put('a', 'x', Uint8Array.of(1))
  await Promise.allSettled([put('b', 'x', Uint8Array.of(9)), put('c', 'x', Uint8Array.of(5))])
  t.same(await inner.get(new Key('/dht/record/x')), Uint8Array.of(9))
  await Promise.allSettled(Array.from({ length: 200 }, (_, i) => put(`p${i}`, `k${i}`)))
  t.equal(await size(inner), 50)
  await Promise.allSettled(Array.from({ length: 30 }, (_, i) => put('mallory', `m${i}`)))
  t.equal(await size(inner), 50)
})
