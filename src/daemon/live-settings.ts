/**
 * The settings in force. They are read at start, and again on SIGHUP or when the API changes the file: what is `live`
 * takes effect at once, for everything else the caller learns that a restart is needed.
 */
import { utf8 } from '../base/bytes.ts'
import type { Disk } from '../base/disk.ts'
import { isDeepStrictEqual } from 'node:util'
import { PlexiError } from '../base/errors.ts'
import type { Environment } from '../config/home.ts'
import { settingNamed, settingNames, type LoadedSettings, type Origin } from '../config/loader.ts'
import { editToml } from '../config/toml-edit.ts'
import {
  MAX_CONFIG_BYTES,
  parseSettings,
  readSettings,
  settingsDefinition,
  type SettingFlags,
  type Settings,
} from './settings.ts'

export interface SettingsSource {
  readonly configPath: string
  readonly env: Environment
  readonly flags?: SettingFlags
}

export interface Reloaded {
  readonly applied: readonly string[]
  readonly needRestart: readonly string[]
}

export class LiveSettings {
  readonly #disk: Disk
  readonly #source: SettingsSource
  readonly #listeners: ((settings: Settings) => void)[] = []
  #loaded: LoadedSettings<typeof settingsDefinition>
  /** As it was when the daemon started: what does not reload is compared with this. */
  readonly #atStart: Settings

  private constructor(disk: Disk, source: SettingsSource, loaded: LoadedSettings<typeof settingsDefinition>) {
    this.#disk = disk
    this.#source = source
    this.#loaded = loaded
    this.#atStart = loaded.values
  }

  static async read(disk: Disk, source: SettingsSource): Promise<LiveSettings> {
    return new LiveSettings(disk, source, await readSettings(disk, source))
  }

  get values(): Settings {
    return this.#loaded.values
  }

  get configPath(): string {
    return this.#source.configPath
  }

  /** Every setting with its value, origin and whether it reloads; secrets are hidden. */
  list(): { key: string; value: unknown; origin: Origin; live: boolean }[] {
    return settingNames(settingsDefinition).map((key) => {
      const { secret, live } = settingNamed(settingsDefinition, key)
      const origin = this.#loaded.origins.get(key) ?? { kind: 'default', name: '' }
      return { key, value: secret ? '<secret>' : valueOf(this.#loaded.values, key), origin, live }
    })
  }

  /** Called after every reload. */
  listen(listener: (settings: Settings) => void): void {
    this.#listeners.push(listener)
  }

  /** Reads the file again. A file that is not valid changes nothing and throws. */
  async reload(): Promise<Reloaded> {
    const before = this.#loaded.values
    this.#loaded = await readSettings(this.#disk, this.#source)
    for (const listener of this.#listeners) listener(this.#loaded.values)
    const differs = (key: string, from: Settings): boolean =>
      !isDeepStrictEqual(valueOf(from, key), valueOf(this.#loaded.values, key))
    const names = settingNames(settingsDefinition)
    const isLive = (key: string): boolean => settingNamed(settingsDefinition, key).live
    return {
      applied: names.filter((key) => isLive(key) && differs(key, before)),
      needRestart: names.filter((key) => !isLive(key) && differs(key, this.#atStart)),
    }
  }

  /** Writes new values into the file (null removes one) and reloads. Everything is checked before anything is written. */
  async change(values: Readonly<Record<string, unknown>>): Promise<Reloaded> {
    let text = await this.#fileText()
    for (const [name, value] of Object.entries(values)) {
      const setting = settingNamed(settingsDefinition, name)
      const at = { section: name.slice(0, name.indexOf('.')), key: name.slice(name.indexOf('.') + 1) }
      if (value === null) text = editToml(text, at, undefined)
      else {
        const raw = typeof value === 'string' ? setting.fromText(value) : value
        const parsed = setting.schema.safeParse(raw)
        if (!parsed.success) {
          throw new PlexiError('CONFIG_INVALID', { key: name, reason: parsed.error.issues[0]?.message ?? 'not valid' })
        }
        text = editToml(text, at, setting.toToml(parsed.data))
      }
    }
    this.validate(text)
    await this.#disk.writeFileAtomic(this.#source.configPath, utf8(text))
    return await this.reload()
  }

  /** Throws as `reload` would for a file of this text. */
  validate(text: string): void {
    parseSettings(text, this.#source)
  }

  async #fileText(): Promise<string> {
    if ((await this.#disk.stat(this.#source.configPath)) === undefined) return ''
    return (await this.#disk.readFile(this.#source.configPath, MAX_CONFIG_BYTES)).toString('utf8')
  }
}

function valueOf(settings: Settings, name: string): unknown {
  const [section = '', key = ''] = name.split('.')
  return (settings as unknown as Record<string, Record<string, unknown>>)[section]?.[key]
}
