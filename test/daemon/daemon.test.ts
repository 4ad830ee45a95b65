import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { endOf, eventually, Homes } from './homes.ts'

t.test('opens, answers, holds its lock, ends without a trace in run/, opens again', async (t) => {
  const homes = new Homes(t)
  const { peerId, vault } = await homes.init('anna')
  const daemon = await homes.start('anna')
  const paths = homes.paths('anna')
  t.match(daemon.info, { pid: process.pid, peerId, vault, api: /^http:\/\/127\.0\.0\.1:\d+$/ })
  t.match(daemon.info.addresses, [/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/])
  t.match(await homes.client('anna').call('status', {}), { protected: 'none', safe: null, snapshots: 0, alarms: [] })
  t.match(await homes.client('anna').call('identity', {}), { peerId, name: 'anna', lock: 'key', devices: 1 })
  t.match(await homes.client('anna').text('metrics'), /plexi_process_cpu/)
  await t.rejects(homes.start('anna'), { code: 'SYSTEM_LOCKED', details: { pid: process.pid } })
  t.match(await homes.client('anna').call('healthReady', {}), { ok: true }, 'the refused one left the first alone')

  await homes.client('anna').call('configChange', { body: { set: { 'hosting.offer': '3GiB' } } })
  t.equal((await homes.client('anna').call('hosting', {})).offer, 3 * 2 ** 30, 'reloaded while running')
  await homes.client('anna').call('shutdown', { body: { reason: 'test' } })
  t.equal(await daemon.stopAsked, 'test')
  await homes.stop('anna')
  for (const path of [paths.daemonInfo, paths.token, paths.socket]) t.notOk(existsSync(path), path)
  await homes.start('anna')
  t.match(await homes.client('anna').call('healthLive', {}), { ok: true })
})

t.test('a home without a vault, and a home of another shape, are refused', async (t) => {
  const homes = new Homes(t)
  await t.rejects(homes.start('nobody'), { code: 'SYSTEM_NOT_INITIALISED' })
  await homes.init('anna')
  writeFileSync(homes.paths('anna').config, '[api]\nprot = 1\n')
  await t.rejects(homes.start('anna'), { code: 'CONFIG_UNKNOWN_KEY' })
  writeFileSync(homes.paths('anna').config, '')
  await homes.start('anna')
})

t.test('what is told of a member: the address that others can dial, and what each keeps for the other', async (t) => {
  const homes = new Homes(t)
  const { peerId } = await homes.init('anna')
  await homes.init('bob')
  const anna = await homes.start('anna')
  // Bob dials Anna, so Anna sees him at a port that nobody can dial.
  const bob = await homes.start('bob', anna.info.addresses)
  const client = homes.client('anna')
  await eventually(async () => ((await client.call('status', {})).hosts.eligible === 1 ? true : undefined))
  t.strictSame((await client.call('identityKit', {})).addresses, bob.info.addresses)
  t.match(await client.call('status', {}), { given: 0, used: 0 }, 'own terms are nothing held for others')

  const file = join(homes.root, 'file')
  writeFileSync(file, randomBytes(2 ** 20))
  await t.rejects(client.call('backup', { body: { paths: ['file'] } }), { code: 'VALIDATION_USAGE' }, 'before a job')
  const job = await client.call('backup', { body: { paths: [file] } })
  t.match(await endOf(client, job), { type: 'summary' })
  const { used } = await client.call('status', {})
  t.ok(used > 0)
  const seenByAnna = await client.call('peer', { params: { id: bob.info.peerId } })
  t.equal(seenByAnna.received, used, 'by receipts, not by what this process has sent')
  t.match(await homes.client('bob').call('peer', { params: { id: peerId } }), { given: used })

  const dead = `/ip4/127.0.0.1/tcp/1/p2p/${bob.info.peerId}`
  await client.call('peerAdd', { body: { address: dead } })
  t.strictSame(
    (await client.call('identityKit', {})).addresses,
    bob.info.addresses,
    'what was never dialled is not kept',
  )
})
