/**
 * `init` with words: where members are known the vault is looked for first, for an existing one hands its epoch keys to
 * no device that just says it is new. Only words that nobody has seen yet found a vault here.
 */
import { isPlexiError } from '../../base/errors.ts'
import type { Environment } from '../../config/home.ts'
import { readSettings } from '../settings.ts'
import { systemDisk } from '../system/index.ts'
import type { Initialised, InitRequest } from './init.ts'
import { recoverHome } from './recover.ts'

export interface JoinRequest extends InitRequest {
  readonly env: Environment
  readonly signal: AbortSignal
}

/** Undefined where no member is set to be asked, or those that answer know nothing of this vault. */
export async function joinVault(request: JoinRequest & { readonly phrase: string }): Promise<Initialised | undefined> {
  const { paths, env, phrase, signal } = request
  const { values } = await readSettings(systemDisk, { configPath: paths.config, env })
  if (values.network.bootstrap.length === 0) return undefined
  try {
    const { vault, peerId } = await recoverHome(
      { ...request, bootstrap: [], revokeOthers: false },
      { note: () => undefined },
      signal,
    )
    return { vault, peerId, phrase }
  } catch (error) {
    if (isPlexiError(error, 'STORAGE_NO_HEAD')) return undefined
    throw error
  }
}
