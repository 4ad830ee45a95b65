import { existsSync } from 'node:fs'
import t from 'tap'
import type { DiskPath } from '../../../src/base/disk.ts'
import { peerKeyOf, type PeerKey } from '../../../src/crypto/ids.ts'
import { openPeersDatabase } from '../../../src/node/peers/database.ts'
import { PeerTable } from '../../../src/node/peers/peer-table.ts'
import { PeerStanding } from '../../../src/node/standing.ts'
import { fromHex } from '../../../src/base/bytes.ts'
import type { VaultId } from '../../../src/crypto/ids.ts'
import type { Stoppable } from '../circle.ts'
import { ports } from '../swarm.ts'

const peer = (n: number): PeerKey => peerKeyOf(new Uint8Array(32).fill(n))

async function table(t: Stoppable, maxPeers = 100): Promise<PeerTable> {
  const database = await openPeersDatabase(':memory:', ports.disk)
  t.teardown(() => database.close())
  let now = 1_000
  return new PeerTable({ maxPeers }, { database, clock: { ...ports.clock, now: () => now++ } })
}

void t.test('a peer is described by what was seen', async (t) => {
  const book = await table(t)
  book.seenAt(peer(1), ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1'])
  book.seenAt(peer(1), ['/ip4/192.0.2.9/tcp/1'])
  book.offered(peer(1), { capacityBytes: 10, freeBytes: 5, accepting: true, vault: 'ab'.repeat(32) })
  book.introduced(peer(1), { vault: 'ab'.repeat(32), name: 'ann' })
  book.succeeded(peer(1), { stored: 100 })
  book.succeeded(peer(1), { fetched: 50 })
  book.failed(peer(1), 'NETWORK_TIMEOUT')
  book.setQuota(peer(1), 77)
  t.match(book.get(peer(1)), {
    name: 'ann',
    addresses: ['/ip4/192.0.2.9/tcp/1', '/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1'],
    vouched: false,
    offer: { capacityBytes: 10, freeBytes: 5, accepting: true },
    successes: 2,
    failures: 1,
    lastFault: 'NETWORK_TIMEOUT',
    bytesStored: 100,
    bytesFetched: 50,
    quotaBytes: 77,
  })
  book.seenAt(
    peer(1),
    Array.from({ length: 20 }, (_, i) => `/ip4/198.51.100.${i}/tcp/1`),
  )
  t.equal(book.get(peer(1))?.addresses.length, 8)
})

void t.test('a quota is of the vault: the least that any of its devices was given', async (t) => {
  const book = await table(t)
  for (const n of [1, 2]) book.introduced(peer(n), { vault: 'aa', name: 'ann' })
  t.equal(book.quotaOf('aa'), undefined)
  book.setQuota(peer(1), 50)
  book.setQuota(peer(2), 0)
  t.equal(book.quotaOf('aa'), 0)
  book.setQuota(peer(2), null)
  t.equal(book.quotaOf('aa'), 50)
  t.equal(book.quotaOf('bb'), undefined)
})

void t.test('vouching reaches all devices of a vault', async (t) => {
  const book = await table(t)
  book.introduced(peer(1), { vault: 'aa', name: 'ann' })
  book.know(peer(1))
  book.introduced(peer(1), { vault: 'aa', name: 'ann' })
  t.notOk(book.vaultVouched('aa'))
  book.vouch(peer(1), true)
  t.ok(book.vaultVouched('aa'))
  book.vouch(peer(1), false)
  t.notOk(book.vaultVouched('aa'))
})

void t.test('people are found by name, by either end of the id, and by vault', async (t) => {
  const book = await table(t)
  book.introduced(peer(1), { vault: 'aabbccdd', name: 'ann' })
  book.introduced(peer(2), { vault: 'eeffaabb', name: 'bob' })
  t.same(
    book.find('ann').map((each) => each.peer),
    [peer(1)],
  )
  t.same(
    book.find(peer(2)).map((each) => each.peer),
    [peer(2)],
  )
  t.same(
    book.find(peer(2).slice(-6)).map((each) => each.peer),
    [peer(2)],
  )
  t.same(
    book.find('aabb').map((each) => each.peer),
    [peer(1)],
  )
  t.equal(book.find('12D3KooW').length, 2)
  t.equal(book.find('a').length, 0)
})

void t.test('a full table forgets strangers first and never those who matter', async (t) => {
  const book = await table(t, 4)
  for (const n of [1, 2, 3, 4]) book.seenAt(peer(n), [])
  book.vouch(peer(1), true)
  book.block(peer(2), true)
  book.succeeded(peer(3), { stored: 1 })
  t.ok(book.know(peer(5)))
  t.same(
    book
      .list()
      .map((each) => each.peer)
      .sort(),
    [1, 2, 3, 5].map(peer).sort(),
  )
  book.vouch(peer(5), true)
  t.notOk(book.know(peer(6)), 'full of people that matter')
})

void t.test('a database of a newer program is refused', async (t) => {
  const file = `${t.testdir()}/peers.db`
  const database = await openPeersDatabase(file, ports.disk)
  database.pragma('user_version = 99')
  database.close()
  await t.rejects(openPeersDatabase(file, ports.disk), { code: 'CONFIG_NEWER_HOME' })
  await t.rejects(openPeersDatabase(t.testdir(), ports.disk), { code: 'STORAGE_DATABASE' })
})

void t.test('a database is copied before steps change it', async (t) => {
  const file = `${t.testdir()}/peers.db`
  const scripts = [] as Buffer[]
  const disk = {
    ...ports.disk,
    readdir: async (path: DiskPath) => [...(await ports.disk.readdir(path)), ...scripts],
    readFile: async (path: DiskPath, maxBytes: number) =>
      String(path).endsWith('-next.sql')
        ? Buffer.from('CREATE TABLE next (x INTEGER) STRICT;')
        : await ports.disk.readFile(path, maxBytes),
  }
  const first = await openPeersDatabase(file, disk)
  first.close()
  t.notOk(existsSync(`${file}.v1`))
  scripts.push(Buffer.from('002-next.sql'))
  const second = await openPeersDatabase(file, disk)
  second.close()
  t.ok(existsSync(`${file}.v1`))
})

void t.test('trust is in a vault: a vouched peer brings in no other', async (t) => {
  const book = await table(t)
  const [own, friend, made] = [vaultOf('11'), vaultOf('22'), vaultOf('33')]
  const standing = new PeerStanding({ vouchEverybody: false }, { table: book, vault: own })
  const of = (who: PeerKey, vault: VaultId) => standing.standing({ peer: who, vault, address: '', stamp: null })

  book.introduced(peer(1), { vault: '22'.repeat(32), name: 'ann' })
  book.vouch(peer(1), true)
  t.equal(await of(peer(1), friend), 'vouched')
  t.equal(await of(peer(2), friend), 'vouched', 'her other devices')
  t.equal(await of(peer(1), made), 'stranger', 'a stolen device with a vault of its own')
  book.offered(peer(1), { capacityBytes: 1, freeBytes: 1, accepting: true, vault: '33'.repeat(32) })
  t.equal(await of(peer(2), made), 'stranger', 'what it says of itself later changes nothing')
  t.equal(await of(peer(1), friend), 'vouched')

  book.vouch(peer(3), true)
  t.equal(await of(peer(3), made), 'vouched', 'trusted before it was met: the vault it shows first')
  t.equal(await of(peer(3), vaultOf('44')), 'stranger')
})

void t.test('a block is of the vault, whatever device it comes with', async (t) => {
  const book = await table(t)
  const standing = new PeerStanding({ vouchEverybody: true }, { table: book, vault: vaultOf('11') })
  const of = (who: PeerKey, vault: VaultId) => standing.standing({ peer: who, vault, address: '', stamp: null })
  book.introduced(peer(1), { vault: '22'.repeat(32), name: 'ann' })
  book.vouch(peer(1), true)
  book.block(peer(1), true)
  t.notOk(book.vaultVouched('22'.repeat(32)))
  t.equal(await of(peer(1), vaultOf('22')), 'blocked')
  t.equal(await of(peer(2), vaultOf('22')), 'blocked')
  t.equal(await of(peer(2), vaultOf('33')), 'vouched')
  book.introduced(peer(4), { vault: '11'.repeat(32), name: 'my lost phone' })
  book.block(peer(4), true)
  t.equal(await of(peer(4), vaultOf('11')), 'blocked')
  t.equal(await of(peer(5), vaultOf('11')), 'vouched', 'blocking one of the own devices blocks that device')
})

void t.test('nobody takes the place of another by the name it gives itself', async (t) => {
  const book = await table(t)
  book.introduced(peer(1), { vault: '22'.repeat(32), name: 'ann' })
  book.introduced(peer(2), { vault: '33'.repeat(32), name: peer(1) })
  const found = (text: string) => book.find(text).map((each) => each.peer)
  t.same(found(peer(1)), [peer(1)], 'a whole id is that peer')
  book.introduced(peer(2), { vault: '33'.repeat(32), name: peer(9) })
  t.same(found(peer(9)), [], 'also of a peer that is not known yet')
  book.introduced(peer(2), { vault: '33'.repeat(32), name: peer(1).slice(-6) })
  t.same(found(peer(1).slice(-6)).length, 2, 'the end of an id and a name: the person has to say which')
})

function vaultOf(byte: string): VaultId {
  return fromHex(byte.repeat(32)) as VaultId
}
