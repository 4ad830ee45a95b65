/** Where a daemon is, how the client names itself to it, and what a connection that fails means. */
import { PlexiError } from '../base/errors.ts'
import { socketHost } from './shield.ts'

export type ApiAddress =
  | { readonly socketPath: string }
  | { readonly host: '127.0.0.1' | '::1'; readonly port: number; readonly token: string }

/** What a refused or broken connection means to the user. */
export function connectionError(error: unknown): PlexiError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTSOCK')
    return new PlexiError('SYSTEM_DAEMON_NOT_RUNNING', {}, { cause: error })
  if (code === 'EACCES' || code === 'EPERM')
    return new PlexiError('SYSTEM_PERMISSION', { reason: `connecting to the daemon: ${message}` }, { cause: error })
  const reason = 'the daemon closed the connection; it may have been stopped'
  return new PlexiError('SYSTEM_DAEMON_NOT_RUNNING', {}, { cause: error, message: reason })
}

/** Host must be one that the daemon knows; the Unix socket's name stands in where there is no host. */
export function identification(address: ApiAddress): Record<string, string> {
  if ('socketPath' in address) return { host: socketHost }
  const host = address.host === '::1' ? '[::1]' : address.host
  return { host: `${host}:${String(address.port)}`, authorization: `Bearer ${address.token}` }
}
