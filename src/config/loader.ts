/**
 * Settings from flag > environment > file > default, each with its origin. Unknown and misspelt keys are refused by
 * name, with the nearest known one; nothing is ever silently ignored in a file.
 */
import { parse, TomlError } from 'smol-toml'
import * as z from 'zod'
import { PlexiError } from '../base/errors.ts'
import { migrateDocument, type DocumentMigration } from './document-migration.ts'
import type { Definition, Setting, Values } from './setting.ts'
import { editDistance, nearest } from './suggestion.ts'

export interface Origin {
  readonly kind: 'flag' | 'env' | 'file' | 'default'
  /** The flag, variable or file that decided; empty for defaults. */
  readonly name: string
}

export interface SettingsSources {
  /** Absent where no file exists. */
  readonly file?: { readonly path: string; readonly text: string }
  readonly env: Readonly<Record<string, string | undefined>>
  /** By setting name (`network.listen`); texts are read like environment variables. Undefined means not given. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** Variables with our prefix that are not settings. */
  readonly reservedEnv?: readonly string[]
  /** Steps from older file versions, oldest first. */
  readonly migrations?: readonly DocumentMigration[]
}

export interface LoadedSettings<D extends Definition> {
  readonly values: Values<D>
  /** By setting name, one for each setting. */
  readonly origins: ReadonlyMap<string, Origin>
}

const ENV_PREFIX = 'PLEXICHAT_'
/** A variable this near to a known one is taken for a misspelling of it. */
const ENV_TYPO_EDITS = 2

/** Throws `CONFIG_UNKNOWN_KEY`, `CONFIG_INVALID` or `CONFIG_NEWER_HOME`, naming key and origin. */
export function loadSettings<D extends Definition>(definition: D, sources: SettingsSources): LoadedSettings<D> {
  const file =
    sources.file === undefined
      ? new Map<string, unknown>()
      : fileValues(definition, sources.file, sources.migrations ?? [])
  checkEnvironment(definition, sources)
  checkFlags(definition, sources.flags ?? {})
  const origins = new Map<string, Origin>()
  const values: Record<string, Record<string, unknown>> = {}
  for (const [section, settings] of Object.entries(definition)) {
    const into: Record<string, unknown> = (values[section] = {})
    for (const [key, setting] of Object.entries(settings)) {
      const name = `${section}.${key}`
      const { origin, raw } = choose({ name, setting, file, sources })
      origins.set(name, origin)
      into[key] = origin.kind === 'default' ? setting.default : check({ name, setting, raw, origin })
    }
  }
  return { values: values as Values<D>, origins }
}

/** `network.listen` → `PLEXICHAT_NETWORK_LISTEN` */
export function envNameOf(name: string): string {
  return ENV_PREFIX + name.replaceAll(/[.-]/g, '_').toUpperCase()
}

export function settingNames(definition: Definition): string[] {
  return Object.entries(definition).flatMap(([section, settings]) =>
    Object.keys(settings).map((key) => `${section}.${key}`),
  )
}

/** The setting of that name; throws `CONFIG_UNKNOWN_KEY` with a suggestion. */
export function settingNamed(definition: Definition, name: string): Setting<unknown> {
  const dot = name.indexOf('.')
  const found = own(own(definition, name.slice(0, dot)) ?? {}, name.slice(dot + 1))
  if (found === undefined) throw unknownKey(name, settingNames(definition))
  return found
}

/** Parses one value given as text and checks it; the raw form is what belongs into the file. Throws `CONFIG_INVALID`. */
export function settingFromText(definition: Definition, name: string, text: string): { value: unknown; toml: string } {
  const setting = settingNamed(definition, name)
  const value = check({ name, setting, raw: setting.fromText(text), origin: { kind: 'flag', name } })
  return { value, toml: setting.toToml(value) }
}

function choose(from: {
  name: string
  setting: Setting<unknown>
  file: ReadonlyMap<string, unknown>
  sources: SettingsSources
}): { origin: Origin; raw: unknown } {
  const { name, setting, file, sources } = from
  const flag = sources.flags?.[name]
  if (flag !== undefined) {
    return { origin: { kind: 'flag', name }, raw: typeof flag === 'string' ? setting.fromText(flag) : flag }
  }
  const variable = envNameOf(name)
  const text = sources.env[variable]
  if (text !== undefined) return { origin: { kind: 'env', name: variable }, raw: setting.fromText(text) }
  if (file.has(name)) return { origin: { kind: 'file', name: sources.file?.path ?? '' }, raw: file.get(name) }
  return { origin: { kind: 'default', name: '' }, raw: setting.default }
}

function check(given: { name: string; setting: Setting<unknown>; raw: unknown; origin: Origin }): unknown {
  const result = given.setting.schema.safeParse(given.raw)
  if (result.success) return result.data
  const why = z
    .prettifyError(result.error)
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/^✖ /, '')
  const where = given.origin.kind === 'flag' ? '' : ` (in ${given.origin.name})`
  throw new PlexiError('CONFIG_INVALID', { key: given.name, reason: `${why}${where}` })
}

function fileValues(
  definition: Definition,
  file: { path: string; text: string },
  migrations: readonly DocumentMigration[],
): Map<string, unknown> {
  const document = migrateDocument(parseToml(file), migrations)
  const values = new Map<string, unknown>()
  for (const [section, content] of Object.entries(document)) {
    const settings = own(definition, section)
    if (settings === undefined) throw unknownSection(definition, section, content)
    if (!isTable(content))
      throw new PlexiError('CONFIG_INVALID', { key: section, reason: `[${section}] is a section (in ${file.path})` })
    for (const [key, value] of Object.entries(content)) {
      if (own(settings, key) === undefined) throw unknownKey(`${section}.${key}`, settingNames(definition))
      values.set(`${section}.${key}`, value)
    }
  }
  return values
}

export function parseToml(file: { path: string; text: string }): Record<string, unknown> {
  try {
    return parse(file.text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const reason = error.message.split('\n')[0] ?? 'not TOML'
    throw new PlexiError('CONFIG_INVALID', {
      key: `${file.path}:${String(error.line)}:${String(error.column)}`,
      reason,
    })
  }
}

function unknownSection(definition: Definition, section: string, content: unknown): PlexiError {
  const firstKey = isTable(content) ? Object.keys(content)[0] : undefined
  const named = firstKey === undefined ? section : `${section}.${firstKey}`
  return unknownKey(named, firstKey === undefined ? Object.keys(definition) : settingNames(definition))
}

/**
 * A variable of a known section, or one near to a known name, must be known. Others with our prefix are not ours: a
 * cluster may set `PLEXICHAT_SERVICE_HOST` for any service called plexichat.
 */
function checkEnvironment(definition: Definition, sources: SettingsSources): void {
  const known = settingNames(definition).map(envNameOf)
  const reserved = sources.reservedEnv ?? []
  const sections = Object.keys(definition).map((section) => `${envNameOf(section)}_`)
  for (const name of Object.keys(sources.env)) {
    if (!name.startsWith(ENV_PREFIX) || known.includes(name) || reserved.includes(name)) continue
    const candidates = [...known, ...reserved]
    const suggestion = nearest(name, candidates) ?? ''
    const near = editDistance(name, suggestion) <= ENV_TYPO_EDITS
    if (near || sections.some((section) => name.startsWith(section))) {
      throw new PlexiError('CONFIG_UNKNOWN_KEY', { key: name, suggestion })
    }
  }
}

function checkFlags(definition: Definition, flags: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(flags)) settingNamed(definition, name)
}

function unknownKey(key: string, candidates: readonly string[]): PlexiError {
  return new PlexiError('CONFIG_UNKNOWN_KEY', { key, suggestion: nearest(key, candidates) ?? '' })
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** Own properties only: `constructor` is not a section. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
