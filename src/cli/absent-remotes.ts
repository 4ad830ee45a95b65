/** What cannot be had lies, perhaps, on a drive that is not connected: that is what its owner has to hear. */
import { isPlexiError, PlexiError } from '../base/errors.ts'
import type { Session } from './session.ts'

/** The same error; where shards are missing while remotes are not there, it names those. */
export async function namingAbsentRemotes(session: Session, error: unknown): Promise<unknown> {
  if (!isPlexiError(error, 'STORAGE_UNRESTORABLE')) return error
  try {
    const absent = (await session.askList('remotes', {})).filter(({ state }) => state === 'absent')
    if (absent.length === 0) return error
    const paths = absent.map(({ path }) => path).join(', ')
    const texts = {
      message: `${error.message}; ${paths} is not there`,
      remedy: 'connect the drive and run the command again: plexichat remote ls',
    }
    return new PlexiError(error.code, error.details, { ...texts, cause: error })
  } catch {
    // The daemon went away meanwhile: what is known is told.
    return error
  }
}
