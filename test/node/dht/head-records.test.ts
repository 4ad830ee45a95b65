import fc from 'fast-check'
import t from 'tap'
import { Libp2pRecord } from '@libp2p/record'
import { equal } from '../../../src/base/bytes.ts'
import { DAY } from '../../../src/base/clock.ts'
import { peerKeyOf } from '../../../src/crypto/ids.ts'
import { systemRandom } from '../../../src/daemon/system/index.ts'
import { dueRecords, Republisher } from '../../../src/node/dht/republish.ts'
import {
  headKey,
  makeHeadRecords,
  mayReplaceStored,
  openHeadRecord,
  periodAt,
  placeOfRecord,
  selectHeadRecord,
  validateHeadRecord,
  type HeadRecord,
} from '../../../src/node/dht/head-records.ts'
import { dhtLimits, headRecordFormat } from '../../../src/node/options.ts'
import { ports } from '../swarm.ts'

const rendezvous = new Uint8Array(32).fill(3)
const now = 1_790_000_000_000
const period = periodAt(now)
const host = {
  peer: peerKeyOf(new Uint8Array(32).fill(9)),
  addresses: ['/ip4/192.0.2.7/tcp/7421', '/dns4/nas.example/tcp/443/wss'],
}

function records(made = now, hosts = [host], periods = 1): HeadRecord[] {
  return makeHeadRecords(rendezvous, { made, hosts, first: period, periods }, systemRandom)
}

const value = (made = now): Uint8Array => (records(made)[0] as HeadRecord).value

void t.test('a record opens under the rendezvous key and says where the hosts are', async (t) => {
  for (const record of records()) {
    t.same(openHeadRecord(rendezvous, record, record.value), { made: now, hosts: [host] })
    t.ok(equal(record.key, headKey(rendezvous, record)))
    t.same(validateHeadRecord(record.key, record.value, now).period, period)
    t.same(placeOfRecord(record.value).key, record.key)
  }
  t.equal(records().length, headRecordFormat.slots)
  t.equal(records(now, [host], 14).length, 56)
})

void t.test('with another rendezvous key it does not open', async (t) => {
  const [record] = records()
  t.throws(() => openHeadRecord(new Uint8Array(32), record as HeadRecord, (record as HeadRecord).value))
})

void t.test('every record has one length, whatever it says, and that is within the limit', async (t) => {
  const long = `/dns4/${'a'.repeat(100)}.example/tcp/443/wss`
  const crowd = Array.from({ length: 12 }, (_, i) => ({
    peer: peerKeyOf(new Uint8Array(32).fill(i)),
    addresses: Array.from({ length: 8 }, () => long),
  }))
  const lengths = new Set([...records(now, []), ...records(), ...records(now, crowd)].map((each) => each.value.length))
  t.equal(lengths.size, 1)
  t.ok([...lengths].every((length) => length <= dhtLimits.maxRecordBytes))
  const [full] = records(now, crowd)
  const opened = openHeadRecord(rendezvous, full as HeadRecord, (full as HeadRecord).value)
  t.equal(opened.hosts.length, 8, 'hosts come before addresses')
})

void t.test('keys of slots and periods have nothing in common', async (t) => {
  const keys = makeHeadRecords(rendezvous, { made: now, hosts: [], first: period, periods: 3 }, systemRandom)
  t.equal(new Set(keys.map((each) => Buffer.from(each.key).toString('hex'))).size, 12)
})

void t.test('validators refuse what is not exactly a record of now under its own key', async (t) => {
  const [record, other] = records() as [HeadRecord, HeadRecord]
  const refuse = (key: Uint8Array, bytes: Uint8Array, time = now): unknown =>
    t.throws(() => validateHeadRecord(key, bytes, time))
  refuse(other.key, record.value)
  refuse(record.key, record.value, now + 62 * DAY)
  refuse(record.key, record.value, now - 62 * DAY)
  refuse(record.key, value(now + 3 * DAY))
  refuse(record.key, new Uint8Array(dhtLimits.maxRecordBytes + 1))
  refuse(record.key, new Uint8Array(0))
  t.ok(validateHeadRecord(record.key, record.value, now + 30 * DAY), 'clocks may differ by a period')
})

void t.test('any changed byte is refused', async () => {
  const [record] = records() as [HeadRecord]
  fc.assert(
    fc.property(fc.nat(record.value.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Uint8Array.from(record.value)
      changed[at] = (changed[at] as number) ^ flip
      try {
        validateHeadRecord(record.key, changed, now)
        return false
      } catch {
        return true
      }
    }),
    { numRuns: 300 },
  )
})

void t.test('the newest wins, wherever it stands; ties are decided alike by everybody', async (t) => {
  const old = value(now - 1_000)
  const newer = value(now)
  t.equal(selectHeadRecord([old, newer]), 1)
  t.equal(selectHeadRecord([newer, old]), 0)
  const twin = value(now)
  t.same([newer, twin][selectHeadRecord([newer, twin])], [twin, newer][selectHeadRecord([twin, newer])])
})

void t.test('an older record never replaces a stored newer one', async (t) => {
  const stored = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.from(new Libp2pRecord(records()[0]!.key, bytes, new Date(now)).serialize())
  t.notOk(mayReplaceStored(stored(value(now)), stored(value(now - 1))))
  t.ok(mayReplaceStored(stored(value(now - 1)), stored(value(now))))
  const same = value(now)
  t.ok(mayReplaceStored(stored(same), stored(same)), 'republishing refreshes its age')
  t.notOk(mayReplaceStored(stored(same), Uint8Array.of(1, 2, 3)))
})

void t.test('hosts republish the current period of what was left with them, the newest of each slot', async (t) => {
  const left = [...records(now, [host], 14), ...records(now - 5_000)].map((record) => record.value)
  t.equal(dueRecords([...left, Uint8Array.of(1)], now).length, headRecordFormat.slots)
  t.ok(dueRecords(left, now).every((record) => placeOfRecord(record.value).made === now))
  t.equal(dueRecords(left, now + 13 * 30 * DAY).length, headRecordFormat.slots, 'a year later there is still one')
  t.equal(dueRecords(left, now + 15 * 30 * DAY).length, 0)

  const put: Uint8Array[] = []
  const republisher = new Republisher(
    { everyMs: 1_000, firstMs: 1_000 },
    {
      ...ports,
      clock: { ...ports.clock, now: () => now },
      directory: { put: async (due) => put.push(...due.map((record) => record.value)) },
      async *records() {
        yield { records: left }
      },
    },
  )
  t.equal(await republisher.round(new AbortController().signal), headRecordFormat.slots)
  t.equal(put.length, headRecordFormat.slots)
})
