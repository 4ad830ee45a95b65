import t from 'tap'
import { isPlexiError, type ErrorCode, type PlexiError } from '../../src/base/errors.ts'
import { envNameOf, loadSettings, settingFromText, settingNames } from '../../src/config/loader.ts'
import {
  bytesSetting,
  choiceSetting,
  durationSetting,
  integerSetting,
  listSetting,
  switchSetting,
  textSetting,
} from '../../src/config/setting.ts'

const definition = {
  network: {
    listen: listSetting(['/ip4/0.0.0.0/tcp/7421'], { doc: 'Listen.', maxItems: 4 }),
    mdns: switchSetting(true, { doc: 'Look on the local network.' }),
    circle: textSetting('main', { doc: 'Circle.', pattern: /^[a-z0-9-]+$/ }),
  },
  api: { port: integerSetting(7420, { doc: 'Port.', min: 0, max: 65_535 }) },
  hosting: { offer: bytesSetting(0, { doc: 'Offer.' }) },
  backup: { wait: durationSetting(600_000, { doc: 'Wait.', max: 86_400_000 }) },
  logs: { level: choiceSetting('info', ['debug', 'info', 'warn'], { doc: 'Level.' }) },
}

function load(given: { toml?: string; env?: Record<string, string>; flags?: Record<string, unknown> }) {
  return loadSettings(definition, {
    ...(given.toml === undefined ? {} : { file: { path: '/home/config.toml', text: given.toml } }),
    env: given.env ?? {},
    flags: given.flags ?? {},
    reservedEnv: ['PLEXICHAT_HOME'],
  })
}

function failure(work: () => unknown): PlexiError {
  try {
    work()
  } catch (error) {
    if (isPlexiError(error)) return error
    throw error
  }
  throw new Error('did not fail')
}

t.test('flag > environment > file > default, and each value knows its origin', async (t) => {
  const toml = '[api]\nport = 1\n[hosting]\noffer = "1GiB"\n[network]\nlisten = ["/ip4/127.0.0.1/tcp/1"]\n'
  const env = { PLEXICHAT_API_PORT: '2', PLEXICHAT_HOSTING_OFFER: '2GiB', PLEXICHAT_NETWORK_MDNS: 'false' }
  const { values, origins } = load({ toml, env, flags: { 'api.port': '3', 'network.circle': undefined } })
  t.equal(values.api.port, 3)
  t.equal(values.hosting.offer, 2 * 2 ** 30)
  t.equal(values.network.mdns, false)
  t.same(values.network.listen, ['/ip4/127.0.0.1/tcp/1'])
  t.equal(values.network.circle, 'main')
  t.same(origins.get('api.port'), { kind: 'flag', name: 'api.port' })
  t.same(origins.get('hosting.offer'), { kind: 'env', name: 'PLEXICHAT_HOSTING_OFFER' })
  t.same(origins.get('network.listen'), { kind: 'file', name: '/home/config.toml' })
  t.same(origins.get('network.circle'), { kind: 'default', name: '' })
  t.equal(origins.size, settingNames(definition).length)
})

t.test('unknown keys are refused by name, with the nearest known one', async (t) => {
  const cases: [string, string, string][] = [
    ['[network]\nlitsen = []\n', 'network.litsen', 'network.listen'],
    ['[hosting]\noffers = 1\n', 'hosting.offers', 'hosting.offer'],
    ['[netwrok]\nlisten = []\n', 'netwrok.listen', 'network.listen'],
    ['[netwrok]\n', 'netwrok', 'network'],
    ['[network]\nconstructor = 1\n', 'network.constructor', 'network.circle'],
  ]
  for (const [toml, key, suggestion] of cases) {
    const error = failure(() => load({ toml }))
    t.equal(error.code, 'CONFIG_UNKNOWN_KEY')
    t.equal(error.details['key'], key)
    if (key !== 'network.constructor') t.equal(error.details['suggestion'], suggestion)
  }
  t.equal(failure(() => load({ flags: { 'api.prot': 1 } })).details['suggestion'], 'api.port')
})

t.test('misspelt variables are refused, foreign ones with our prefix are not', async (t) => {
  const suggestion = (name: string): unknown => failure(() => load({ env: { [name]: '1' } })).details['suggestion']
  t.equal(suggestion('PLEXICHAT_API_PROT'), 'PLEXICHAT_API_PORT')
  t.equal(suggestion('PLEXICHAT_AIP_PORT'), 'PLEXICHAT_API_PORT')
  t.equal(suggestion('PLEXICHAT_HOEM'), 'PLEXICHAT_HOME')
  t.equal(String(suggestion('PLEXICHAT_NETWORK_SOMETHING_ELSE')).startsWith('PLEXICHAT_NETWORK'), true)
  load({ env: { PLEXICHAT_HOME: '/x', PLEXICHAT_SERVICE_HOST: '10.0.0.1', PLEXICHAT_PORT_7420_TCP_ADDR: 'x' } })
})

t.test('values of the wrong form name key and origin', async (t) => {
  const code = (work: () => unknown, expected: ErrorCode, text: RegExp): void => {
    const error = failure(work)
    t.equal(error.code, expected)
    t.match(error.message, text)
  }
  code(() => load({ toml: '[api]\nport = 99999\n' }), 'CONFIG_INVALID', /api\.port.*\/home\/config\.toml/)
  code(() => load({ toml: '[api]\nport = "80"\n' }), 'CONFIG_INVALID', /api\.port/)
  code(() => load({ env: { PLEXICHAT_API_PORT: 'x' } }), 'CONFIG_INVALID', /api\.port.*PLEXICHAT_API_PORT/)
  code(() => load({ env: { PLEXICHAT_HOSTING_OFFER: '5 bananas' } }), 'CONFIG_INVALID', /hosting\.offer.*50GiB/)
  code(() => load({ toml: '[backup]\nwait = "2d"\n' }), 'CONFIG_INVALID', /between 0 and 1d/)
  code(() => load({ toml: '[logs]\nlevel = "loud"\n' }), 'CONFIG_INVALID', /logs\.level/)
  code(() => load({ toml: '[api\n' }), 'CONFIG_INVALID', /config\.toml:\d+:\d+/)
  code(() => load({ toml: 'api = 1\n' }), 'CONFIG_INVALID', /section/)
  code(() => load({ toml: 'version = 2\n' }), 'CONFIG_NEWER_HOME', /2/)
})

t.test('variables are read by the type of their setting', async (t) => {
  const env = { PLEXICHAT_NETWORK_LISTEN: '/ip4/1.2.3.4/tcp/1, /ip4/1.2.3.4/tcp/2/ws', PLEXICHAT_BACKUP_WAIT: '90s' }
  const { values } = load({ env })
  t.same(values.network.listen, ['/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.4/tcp/2/ws'])
  t.equal(values.backup.wait, 90_000)
  t.equal(envNameOf('network.listen'), 'PLEXICHAT_NETWORK_LISTEN')
})

t.test('older files are migrated step by step', async (t) => {
  const migrations = [
    (document: Record<string, unknown>) => ({ api: { port: document['port'] } }),
    (document: Record<string, unknown>) => ({ ...document, logs: { level: 'debug' } }),
  ]
  const read = (text: string) => loadSettings(definition, { file: { path: 'c', text }, env: {}, migrations }).values
  t.equal(read('port = 5\n').api.port, 5)
  t.equal(read('port = 5\n').logs.level, 'debug')
  t.equal(read('version = 3\n[api]\nport = 6\n').logs.level, 'info')
})

t.test('one value from text, as the file will hold it', async (t) => {
  t.same(settingFromText(definition, 'hosting.offer', '1024KiB'), { value: 2 ** 20, toml: '"1MiB"' })
  t.same(settingFromText(definition, 'network.listen', 'a,b'), { value: ['a', 'b'], toml: '["a","b"]' })
  t.equal(failure(() => settingFromText(definition, 'hosting.ofer', '1')).code, 'CONFIG_UNKNOWN_KEY')
})
