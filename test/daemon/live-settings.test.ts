import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LiveSettings } from '../../src/daemon/live-settings.ts'
import { SettingsService } from '../../src/daemon/services/config.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'

t.test('changes are checked first, written, and say what needs a restart', async (t) => {
  const configPath = join(t.testdir({ 'config.toml': '# mine\n[logs]\nlevel = "warn"\n' }), 'config.toml')
  const settings = await LiveSettings.read(systemDisk, { configPath, env: { PLEXICHAT_API_PORT: '0' } })
  const service = new SettingsService({ settings })
  const seen: string[] = []
  settings.listen(({ logs }) => seen.push(logs.level))

  t.same(await service.change({ set: { 'logs.level': 'debug', 'hosting.offer': '1GiB', 'backup.compression': 3 } }), {
    applied: ['hosting.offer', 'logs.level'],
    needRestart: ['backup.compression'],
  })
  t.same(seen, ['debug'])
  t.equal(settings.values.hosting.offer, 2 ** 30)
  t.match(readFileSync(configPath, 'utf8'), /# mine/)
  t.equal(statSync(configPath).mode & 0o777, 0o600)

  const before = readFileSync(configPath, 'utf8')
  await t.rejects(service.change({ set: { 'logs.level': 'info', 'logs.levle': 'x' } }), { code: 'CONFIG_UNKNOWN_KEY' })
  await t.rejects(service.change({ set: { 'logs.level': 'info', 'api.port': 'x' } }), { code: 'CONFIG_INVALID' })
  t.equal(readFileSync(configPath, 'utf8'), before)

  t.same(await service.change({ set: { 'backup.compression': null } }), { applied: [], needRestart: [] })
  t.match(
    (await service.show()).settings.find(({ key }) => key === 'api.port'),
    { value: 0, origin: 'environment' },
  )
  await t.rejects(service.validate('[api]\nprot = 1\n'), { code: 'CONFIG_UNKNOWN_KEY' })
})

t.test('a reload of a broken file keeps what is in force', async (t) => {
  const configPath = join(t.testdir(), 'config.toml')
  const settings = await LiveSettings.read(systemDisk, { configPath, env: {} })
  writeFileSync(configPath, '[logs]\nlevel = "loud"\n')
  await t.rejects(settings.reload(), { code: 'CONFIG_INVALID' })
  t.equal(settings.values.logs.level, 'info')
  writeFileSync(configPath, '[logs]\nlevel = "error"\n[api]\nport = 0\n')
  t.same(await settings.reload(), { applied: ['logs.level'], needRestart: ['api.port'] })
})
