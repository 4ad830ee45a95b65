/** Seeds at the owner's side: what goes onto the disk, again, and what comes back with it. Spec: docs/spec/07-seed.md */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PeerKey } from '../../src/crypto/ids.ts'
import { encodeSeedReceipts, openSeed, openSeedPage, SHARD_BYTES, type ShardId } from '../../src/shard/index.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { noise } from '../support/source-tree.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

t.test('a seed holds what the host lacks, goes on when run again, and takes receipts home', async (t) => {
  const dir = await temporaryDirectory(t)
  const world = new MemoryHosts(1)
  const [host] = world.hosts
  if (host === undefined) throw new Error('no host')
  const { keys } = newVault()
  const engine = await openEngine({ keys, home: join(dir, 'home'), network: new MemoryNetwork(world) })
  t.teardown(() => engine.close())
  host.mood = 'full'
  writeFileSync(join(dir, 'data'), noise('data', 3_300_000))
  t.ok((await summaryOf(engine.backup({ paths: [join(dir, 'data')] }, never))).queued > 0)

  const directory = join(dir, 'seed')
  const openReceipt = (signed: Uint8Array, shardId: ShardId) => {
    return { shardId, host: host.peer, number: 1, bytes: SHARD_BYTES, time: 1, signed }
  }
  const request = { directory, host: host.peer, certificate: new Uint8Array(10), openReceipt }
  const first = await summaryOf(engine.remotes.seed(request, never))
  t.match(first, { left: 0, receipts: 0 })
  t.ok(first.shards >= 4)
  const seed = openSeed(readFileSync(join(directory, 'seed')))
  t.match(seed, { host: host.peer, device: keys.device, count: first.shards })
  const items = openSeedPage(readFileSync(join(directory, 'pages/0000')), keys.device)
  t.equal(items.length, first.shards)

  const files = readdirSync(join(directory, 'shards'), { recursive: true, encoding: 'utf8' })
  const [one] = files.filter((name) => /[0-9a-f]{64}$/.test(name))
  writeFileSync(join(directory, 'shards', String(one)), 'cut off')
  t.match(await summaryOf(engine.remotes.seed(request, never)), { shards: first.shards, left: 0 }, 'mended')
  t.equal(readFileSync(join(directory, 'shards', String(one))).length, SHARD_BYTES)

  mkdirSync(join(directory, 'receipts'))
  writeFileSync(
    join(directory, 'receipts/0000'),
    encodeSeedReceipts(items.map((_, i) => (i === 0 ? null : Buffer.of(7)))),
  )
  const back = await summaryOf(engine.remotes.seed(request, never))
  t.match(back, { receipts: first.shards - 1, shards: 1 }, 'only what has no receipt is left')
  t.notOk(existsSync(join(directory, 'receipts')))
})

t.test('a directory that is no seed for this host is left alone', async (t) => {
  const dir = await temporaryDirectory(t)
  const network = new MemoryNetwork(new MemoryHosts(2))
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const [bob, anna] = network.world.hosts.map(({ peer }) => peer) as [PeerKey, PeerKey]
  const seed = (directory: string, host: PeerKey) => {
    const openReceipt = () => {
      throw new Error('none')
    }
    return summaryOf(engine.remotes.seed({ directory, host, certificate: new Uint8Array(1), openReceipt }, never))
  }
  t.match(await seed(join(dir, 'disk'), bob), { shards: 0, left: 0 })
  await t.rejects(seed(join(dir, 'disk'), anna), { code: 'STORAGE_REMOTE_FOREIGN' })
  await t.rejects(seed(join(dir, 'no/such'), bob), { code: 'STORAGE_REMOTE_ABSENT' })
  rmSync(join(dir, 'disk'), { recursive: true })
  mkdirSync(join(dir, 'disk'))
  writeFileSync(join(dir, 'disk/mine'), 'x')
  await t.rejects(seed(join(dir, 'disk'), bob), { code: 'STORAGE_REMOTE_FOREIGN' })
})
