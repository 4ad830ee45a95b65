/** Older settings files are brought up to date in memory: `version = N` at the top says which layout a file has. */
import { PlexiError } from '../base/errors.ts'

export type Document = Record<string, unknown>

/** Takes a document of version N (its index + 1) to version N + 1. */
export type DocumentMigration = (document: Document) => Document

/** Applies the steps the document still lacks and drops `version`. A newer one throws `CONFIG_NEWER_HOME`. */
export function migrateDocument(document: Document, migrations: readonly DocumentMigration[]): Document {
  const { version = 1, ...content } = document
  const current = migrations.length + 1
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    throw new PlexiError('CONFIG_INVALID', { key: 'version', reason: `expected a number from 1 to ${String(current)}` })
  }
  if (version > current) throw new PlexiError('CONFIG_NEWER_HOME', { version })
  return migrations.slice(version - 1).reduce((migrated, step) => step(migrated), content)
}
