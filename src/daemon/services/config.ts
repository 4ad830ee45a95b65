/** Settings over the API. */
import type { Config, ConfigChange, ConfigChanged, ConfigService, Setting } from '../../api/index.ts'
import type { LiveSettings } from '../live-settings.ts'

const origins = { flag: 'flag', env: 'environment', file: 'file', default: 'default' } as const

export class SettingsService implements ConfigService {
  readonly #settings: LiveSettings

  constructor(deps: { settings: LiveSettings }) {
    this.#settings = deps.settings
  }

  async show(): Promise<Config> {
    const settings = this.#settings.list().map(({ key, value, origin, live }) => ({
      key,
      value: value as Setting['value'],
      origin: origins[origin.kind],
      reloadable: live,
    }))
    return { path: this.#settings.configPath, settings }
  }

  async change(change: ConfigChange): Promise<ConfigChanged> {
    const { applied, needRestart } = await this.#settings.change(change.set)
    return { applied: [...applied], needRestart: [...needRestart] }
  }

  async validate(toml: string): Promise<void> {
    this.#settings.validate(toml)
  }
}
