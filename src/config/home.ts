/** Where things lie: the home directory and every path in it. Pure; `daemon` makes the directories. */
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

export interface HomePaths {
  readonly root: string
  /** Number of the home's layout, a text file. */
  readonly version: string
  readonly config: string
  readonly identity: string
  readonly keystore: string
  /** Opens the keystore of an unattended daemon. */
  readonly keyFile: string
  readonly catalog: string
  readonly index: string
  readonly outbox: string
  readonly hosted: string
  readonly peersDb: string
  readonly datastore: string
  readonly chatDb: string
  readonly accessDb: string
  readonly jobsDb: string
  readonly cache: string
  readonly run: string
  readonly lock: string
  /** What the running daemon says about itself, JSON. */
  readonly daemonInfo: string
  readonly token: string
  readonly socket: string
  /** Made for the socket alone, outside the home, where its path would be too long. */
  readonly socketDirectory: string | undefined
  readonly logs: string
  readonly logFile: string
}

/** Longest socket path that every system takes (macOS: 103 bytes with its final zero). */
const MAX_SOCKET_PATH_BYTES = 100

/** `flag`, else `$PLEXICHAT_HOME`, else `$XDG_DATA_HOME/plexichat`, else `~/.local/share/plexichat`. Absolute. */
export function homeDirectory(flag: string | undefined, env: Environment, userHome: string): string {
  if (flag !== undefined && flag !== '') return resolve(flag)
  const own = env['PLEXICHAT_HOME']
  if (own !== undefined && own !== '') return resolve(own)
  const data = env['XDG_DATA_HOME']
  // The XDG specification says that relative paths are to be ignored.
  return join(data?.startsWith('/') === true ? data : join(userHome, '.local', 'share'), 'plexichat')
}

export function homePaths(root: string, env: Environment): HomePaths {
  const at = (...parts: string[]): string => join(root, ...parts)
  return {
    root,
    version: at('version'),
    config: at('config.toml'),
    identity: at('identity'),
    keystore: at('identity', 'keystore'),
    keyFile: at('identity', 'keystore.key'),
    catalog: at('catalog.db'),
    index: at('index'),
    outbox: at('outbox'),
    hosted: at('hosted'),
    peersDb: at('peers.db'),
    datastore: at('datastore'),
    chatDb: at('chat.db'),
    accessDb: at('access.db'),
    jobsDb: at('jobs.db'),
    cache: at('cache'),
    run: at('run'),
    lock: at('run', 'lock'),
    daemonInfo: at('run', 'daemon.json'),
    token: at('run', 'token'),
    ...socketPlace(root, env),
    logs: at('logs'),
    logFile: at('logs', 'plexichat.log'),
  }
}

/** `<home>/run/api.sock`, or where that path is too long a short one in a directory of the same account. */
function socketPlace(root: string, env: Environment): Pick<HomePaths, 'socket' | 'socketDirectory'> {
  const path = join(root, 'run', 'api.sock')
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return { socket: path, socketDirectory: undefined }
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16)
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime?.startsWith('/') === true)
    return { socket: join(runtime, `plexichat-${hash}.sock`), socketDirectory: undefined }
  const socketDirectory = join('/tmp', `plexichat-${hash}`)
  return { socket: join(socketDirectory, 'api.sock'), socketDirectory }
}
