/** Changes single values in a settings file and keeps everything else, comments included. */
import { parse, stringify } from 'smol-toml'

/**
 * `text` with `key` of `[section]` set to `toml`, or without the key where `toml` is undefined. The result is parsed
 * and compared; a file laid out in a way this does not understand is rewritten without its comments instead.
 */
export function editToml(text: string, at: { section: string; key: string }, toml: string | undefined): string {
  const wanted = parse(text) as Record<string, Record<string, unknown>>
  const table = { ...wanted[at.section] }
  if (toml === undefined) Reflect.deleteProperty(table, at.key)
  else table[at.key] = parse(`value = ${toml}`)['value']
  const expected = stringify({ ...wanted, [at.section]: table })
  const edited = editLines(text, at, toml)
  return sameContent(edited, expected) ? edited : expected
}

function editLines(text: string, at: { section: string; key: string }, toml: string | undefined): string {
  const lines = text.split('\n')
  const header = lines.findIndex((line) => sectionOf(line) === at.section)
  if (header < 0) {
    if (toml === undefined) return text
    return `${text.trimEnd()}\n\n[${at.section}]\n${at.key} = ${toml}\n`.trimStart()
  }
  const next = lines.findIndex((line, index) => index > header && sectionOf(line) !== undefined)
  const end = next < 0 ? lines.length : next
  const found = lines.findIndex((line, index) => index > header && index < end && keyOf(line) === at.key)
  if (found >= 0) lines.splice(found, 1, ...(toml === undefined ? [] : [`${at.key} = ${toml}`]))
  else if (toml !== undefined) lines.splice(header + 1, 0, `${at.key} = ${toml}`)
  return lines.join('\n')
}

function sectionOf(line: string): string | undefined {
  return /^\s*\[\s*([\w-]+)\s*\]\s*(?:#.*)?$/.exec(line)?.[1]
}

function keyOf(line: string): string | undefined {
  return /^\s*([\w-]+)\s*=/.exec(line)?.[1]
}

function sameContent(a: string, b: string): boolean {
  try {
    return stringify(parse(a)) === stringify(sorted(parse(b), parse(a)))
  } catch {
    return false
  }
}

/** `table` with its keys in the order `like` has them, so that order does not count as a difference. */
function sorted(table: Record<string, unknown>, like: Record<string, unknown>): Record<string, unknown> {
  const keys = [
    ...Object.keys(like).filter((key) => key in table),
    ...Object.keys(table).filter((key) => !(key in like)),
  ]
  return Object.fromEntries(
    keys.map((key) => {
      const value = table[key]
      const other = like[key]
      return [key, isTable(value) && isTable(other) ? sorted(value, other) : value]
    }),
  )
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
