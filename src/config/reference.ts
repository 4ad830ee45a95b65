/** The annotated default file and the JSON schema, made from the settings themselves so that they cannot disagree. */
import * as z from 'zod'
import type { Definition, Setting } from './setting.ts'
import { envNameOf } from './loader.ts'

/** Every setting commented out at its default, under its documentation: a file that changes nothing. */
export function annotatedToml(definition: Definition, intro: readonly string[]): string {
  const lines = [...intro.map((line) => `# ${line}`.trimEnd()), '']
  for (const [section, settings] of Object.entries(definition)) {
    lines.push(`[${section}]`)
    for (const [key, setting] of Object.entries(settings)) {
      lines.push('', ...wrap(setting.doc, 100).map((line) => `# ${line}`))
      lines.push(`# Environment: ${envNameOf(`${section}.${key}`)}${setting.live ? ' · reloads while running' : ''}`)
      lines.push(`#${key} = ${setting.toToml(setting.default)}`)
    }
    lines.push('')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

/** JSON Schema 2020-12 of the TOML file, for editors. */
export function jsonSchema(definition: Definition, title: string): Record<string, unknown> {
  const sections = Object.entries(definition).map(([section, settings]) => [section, sectionSchema(settings)] as const)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    type: 'object',
    additionalProperties: false,
    properties: { version: { type: 'integer', minimum: 1 }, ...Object.fromEntries(sections) },
  }
}

function sectionSchema(settings: Readonly<Record<string, Setting<unknown>>>): Record<string, unknown> {
  const properties = Object.entries(settings).map(([key, setting]) => {
    const { $schema: _, ...shape } = z.toJSONSchema(setting.schema, { io: 'input', unrepresentable: 'any' })
    return [key, { description: setting.doc, default: setting.default, ...shape }] as const
  })
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) }
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
