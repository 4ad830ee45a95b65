import { parse } from 'smol-toml'
import t from 'tap'
import type { Setting } from '../../src/config/setting.ts'
import { settingNames } from '../../src/config/loader.ts'
import { defaultConfig, parseSettings, settingsDefinition } from '../../src/daemon/settings.ts'

const from = { configPath: '/h/config.toml', env: {} }

t.test('the annotated default file changes nothing, and each of its lines is valid when uncommented', async (t) => {
  const defaults = parseSettings(undefined, from).values
  t.same(parseSettings(defaultConfig(), from).values, defaults)
  const uncommented = defaultConfig().replaceAll(/^#(\w+ = )/gm, '$1')
  t.same(parseSettings(uncommented, from).values, defaults)
  t.equal(
    Object.values(parse(uncommented)).flatMap((section) => Object.keys(section)).length,
    settingNames(settingsDefinition).length,
  )
})

t.test('every setting is documented', async (t) => {
  for (const settings of Object.values(settingsDefinition)) {
    for (const [key, setting] of Object.entries<Setting<unknown>>(settings))
      t.match(setting.doc, /^[A-Za-z].*\.$/s, key)
  }
})
