/** config/schema.json: JSON schema of the settings file, from the settings in code, laid out as the formatter wants it. */
import { format } from 'prettier'
import { jsonSchema } from '../../src/config/reference.ts'
import { settingsDefinition } from '../../src/daemon/settings.ts'

export async function configSchema(): Promise<string> {
  const schema = jsonSchema(settingsDefinition, 'PlexiChat settings')
  return await format(JSON.stringify(schema), { parser: 'json', printWidth: 120 })
}
