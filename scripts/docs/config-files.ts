/** config/: the annotated default settings file and its JSON schema, from the settings in code. */
import { format } from 'prettier'
import { annotatedToml, jsonSchema } from '../../src/config/reference.ts'
import { settingsDefinition } from '../../src/daemon/settings.ts'

export function defaultConfig(): string {
  return annotatedToml(settingsDefinition, [
    'PlexiChat settings. Copy to <home>/config.toml and uncomment what you change; `plexichat config path` says where',
    'that is, `plexichat config show --origin` what is in force and why. A flag beats the environment, the environment',
    'this file, this file the default. Unknown keys are refused by name.',
  ])
}

export async function configSchema(): Promise<string> {
  return await format(JSON.stringify(jsonSchema(settingsDefinition, 'PlexiChat settings')), {
    parser: 'json',
    printWidth: 120,
  })
}
