/**
 * One setting: its type, default and documentation in one place. Loader, annotated default file, JSON schema and
 * `config show` are all made from these. Units are written in the value ("50GiB", "10m"), never implied.
 */
import * as z from 'zod'
import { PlexiError } from '../base/errors.ts'
import { bytesText, durationText, parseBytes, parseDuration } from './quantity.ts'

export interface Setting<T> {
  /** Accepts what a TOML file may hold and yields the value. */
  readonly schema: z.ZodType<T>
  readonly default: T
  /** One or more sentences for people; becomes the comment in the default file. */
  readonly doc: string
  /** Never printed. */
  readonly secret: boolean
  /** Takes effect on reload, without a restart. */
  readonly live: boolean
  /** The raw value meant by the text of an environment variable or a flag. */
  fromText(text: string): unknown
  /** As written in TOML. */
  toToml(value: T): string
}

/** Sections of settings: `definition.network.listen` is the setting `network.listen`. */
export type Definition = Readonly<Record<string, Readonly<Record<string, Setting<unknown>>>>>

export type Values<D extends Definition> = {
  readonly [S in keyof D]: { readonly [K in keyof D[S]]: D[S][K] extends Setting<infer T> ? T : never }
}

export interface SettingNotes {
  readonly doc: string
  readonly secret?: boolean
  readonly live?: boolean
}

interface Form<T> {
  readonly schema: z.ZodType<T>
  readonly fromText?: (text: string) => unknown
  readonly toToml?: (value: T) => string
}

export function textSetting(
  value: string,
  notes: SettingNotes & { pattern?: RegExp; maxLength?: number },
): Setting<string> {
  const text = z.string().max(notes.maxLength ?? 1_000)
  return setting(value, notes, { schema: notes.pattern === undefined ? text : text.regex(notes.pattern) })
}

export function choiceSetting<const T extends string>(
  value: T,
  choices: readonly T[],
  notes: SettingNotes,
): Setting<T> {
  return setting(value, notes, { schema: z.enum(choices) })
}

export function switchSetting(value: boolean, notes: SettingNotes): Setting<boolean> {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    false: false,
    '1': true,
    '0': false,
    yes: true,
    no: false,
  }
  return setting(value, notes, { schema: z.boolean(), fromText: (text) => words[text.toLowerCase()] ?? text })
}

export function integerSetting(value: number, notes: SettingNotes & { min: number; max: number }): Setting<number> {
  return setting(value, notes, { schema: z.int().min(notes.min).max(notes.max), fromText: numeric })
}

/** A real number, such as a probability. */
export function numberSetting(value: number, notes: SettingNotes & { min: number; max: number }): Setting<number> {
  return setting(value, notes, { schema: z.number().min(notes.min).max(notes.max), fromText: numeric })
}

/** Bytes: an integer or a text such as "50GiB". */
export function bytesSetting(value: number, notes: SettingNotes & { min?: number; max?: number }): Setting<number> {
  return quantitySetting(value, notes, { parse: parseBytes, print: bytesText, expected: 'a size such as 50GiB' })
}

/** Milliseconds: a text such as "10m". */
export function durationSetting(value: number, notes: SettingNotes & { min?: number; max?: number }): Setting<number> {
  return quantitySetting(value, notes, {
    parse: parseDuration,
    print: durationText,
    expected: 'a duration such as 10m',
  })
}

/** A list of texts; in an environment variable separated by commas. */
export function listSetting(
  value: readonly string[],
  notes: SettingNotes & { maxItems: number },
): Setting<readonly string[]> {
  return setting(value, notes, {
    schema: z.array(z.string().min(1).max(1_000)).max(notes.maxItems),
    fromText: (text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
  })
}

function quantitySetting(
  value: number,
  notes: SettingNotes & { min?: number; max?: number },
  unit: { parse: (text: string) => number; print: (value: number) => string; expected: string },
): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = notes
  const range = min === 0 && max === Number.MAX_SAFE_INTEGER ? '' : ` between ${unit.print(min)} and ${unit.print(max)}`
  const schema = z.union([z.int().nonnegative(), z.string()]).transform((input, context) => {
    const parsed = typeof input === 'number' ? input : attempt(() => unit.parse(input))
    if (parsed !== undefined && parsed >= min && parsed <= max) return parsed
    context.addIssue({ code: 'custom', message: `expected ${unit.expected}${range}` })
    return z.NEVER
  })
  return setting(value, notes, { schema, toToml: (bytes) => JSON.stringify(unit.print(bytes)) })
}

function setting<T>(value: T, notes: SettingNotes, form: Form<T>): Setting<T> {
  return {
    schema: form.schema,
    default: value,
    doc: notes.doc,
    secret: notes.secret ?? false,
    live: notes.live ?? false,
    fromText: form.fromText ?? ((text) => text),
    // JSON's strings, numbers, booleans and flat arrays of strings are valid TOML too.
    toToml: form.toToml ?? ((shown) => JSON.stringify(shown)),
  }
}

function numeric(text: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text
}

function attempt(parse: () => number): number | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof PlexiError) return undefined
    throw error
  }
}
