/** Sources as those who back up ask about them: what a source's backup is, and whether one runs. */
import type { BackupRequest, Policy } from '../../api/index.ts'
import { DAY } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { JobRow } from '../jobs/store.ts'
import type { SourceStore } from './source-store.ts'

/** A scope that is no source: docs/AUTOMATION.md § Policies. */
export const DEFAULT_SCOPE = 'default'
/** An alarm without being asked for; page-wide start value. */
const BACKUP_EVERY_MS = 7 * DAY

export interface SourceBookDeps {
  readonly sources: SourceStore
  /** Jobs that wait for their turn or run. */
  readonly unended: () => readonly JobRow[]
}

export class SourceBook {
  readonly #deps: SourceBookDeps

  constructor(deps: SourceBookDeps) {
    this.#deps = deps
  }

  /** The request that a source means, with what was asked for besides. Throws `STORAGE_SOURCE_NOT_FOUND`, `SYSTEM_BUSY`. */
  expand(asked: BackupRequest): BackupRequest {
    const name = asked.source ?? ''
    const { definition } = this.#deps.sources.get(name)
    const { paths, sqlite = [], stdin, command } = asked
    if (paths.length + sqlite.length > 0 || stdin !== undefined || command !== undefined)
      throw new PlexiError('VALIDATION_USAGE', { reason: `what source ${name} backs up is known: name no PATH` })
    const busy = asked.dryRun ? undefined : this.running(name)
    if (busy !== undefined) {
      const message = `source ${name} is being backed up already: job ${busy.id}`
      throw new PlexiError('SYSTEM_BUSY', { what: 'backups of one source', job: busy.id }, { message })
    }
    return { ...joined(definition, asked), source: name, name } as BackupRequest
  }

  /** The backup of this source that runs or waits for its turn; placing hinders nobody. */
  running(name: string): JobRow | undefined {
    return this.#deps.unended().find(({ kind, request }) => {
      const { source, dryRun } = request as Partial<BackupRequest>
      return kind === 'backup' && source === name && dryRun !== true
    })
  }

  /** What holds for a scope: its own policy, else the default one, else the starting values. */
  policy(scope: string): Policy & { readonly backupEveryMs: number } {
    const set = { ...this.#deps.sources.policy(DEFAULT_SCOPE), ...this.#deps.sources.policy(scope) }
    return { ...set, backupEveryMs: set.backupEveryMs ?? BACKUP_EVERY_MS }
  }
}

/** Lists are put together, switches are on where one of both is, other values are the newer ones. */
function joined(base: object, over: object): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over) as [string, unknown][]) {
    const before = result[key]
    if (isList(value) && isList(before)) result[key] = [...new Set([...before, ...value])]
    else if (typeof value === 'boolean') result[key] = value || before === true
    else if (value !== undefined) result[key] = value
  }
  return result
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
