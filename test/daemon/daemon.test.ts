import { existsSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Homes } from './homes.ts'

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
