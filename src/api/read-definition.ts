/** Reads stored definitions by their schema without loading it beforehand: who only calls a daemon has none to read. */
import type { SourceDefinition } from './schemas/automation.ts'

/** What a definition as it was stored means now: fields that were added since get their defaults. */
export async function definitionReader(): Promise<(stored: unknown) => SourceDefinition> {
  const { sourceDefinition } = await import('./schemas/automation.ts')
  return (stored) => sourceDefinition.parse(stored)
}
