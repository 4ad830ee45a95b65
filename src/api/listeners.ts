/**
 * The sockets the API is heard on: a Unix socket of mode 0600 in a directory of mode 0700, and 127.0.0.1 with ::1 at
 * the same port. All hand their requests and upgrades to the one server that fastify knows.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { dirname } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Disk } from '../base/disk.ts'
import { PlexiError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Listeners } from './shield.ts'

const MAX_CONNECTIONS = 256
const HEADERS_TIMEOUT_MS = 20_000
/** Ports tried when the system's choice for 127.0.0.1 is taken on ::1. */
const PORT_ATTEMPTS = 5

export interface ListenDeps {
  readonly disk: Disk
  readonly log: Logger
  readonly known: Listeners
  /** Fastify's own server; it never listens itself. */
  readonly main: Server
  readonly handle: RequestListener
  /** Open sockets that left HTTP: a server forgets them, but waits for them when it closes. */
  readonly upgraded: Set<Duplex>
}

/** Removes a socket file that a killed daemon left (the home's lock says there is no other), then listens. */
export async function listenOnSocket(path: string, deps: ListenDeps): Promise<Server> {
  await ownDirectory(dirname(path), deps.disk)
  const stat = await deps.disk.stat(path)
  if (stat !== undefined && stat.kind !== 'socket')
    throw new PlexiError('SYSTEM_PERMISSION', { reason: `${path} exists and is not a socket` })
  if (stat !== undefined) await deps.disk.unlink(path)
  const server = newServer(deps)
  server.on('connection', (socket) => {
    deps.known.markLocal(socket)
  })
  const umask = process.umask(0o177)
  try {
    const listening = listen(server, { path })
    // bind(2) has happened by now; the mask must not leak into what runs while we wait.
    process.umask(umask)
    await listening
  } finally {
    process.umask(umask)
  }
  await deps.disk.chmod(path, 0o600)
  return server
}

/** Listens on both loopback addresses; a machine without IPv6 gets the first only. Resolves to servers and port. */
export async function listenOnLoopback(wanted: number, deps: ListenDeps): Promise<{ servers: Server[]; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const four = newServer(deps)
    await listenOrSay(four, wanted)
    const port = portOf(four)
    const six = newServer(deps)
    try {
      await listen(six, { host: '::1', port, ipv6Only: true })
      return { servers: [four, six], port }
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (taken && wanted === 0 && attempt < PORT_ATTEMPTS) {
        four.close()
        continue
      }
      if (taken) deps.log.warn('the API port is taken on ::1; listening on 127.0.0.1 only', { port })
      return { servers: [four], port }
    }
  }
}

/** The first address must work. Throws `NETWORK_LISTEN`. */
async function listenOrSay(server: Server, port: number): Promise<void> {
  try {
    await listen(server, { host: '127.0.0.1', port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'in use' : (code ?? 'refused')
    throw new PlexiError('NETWORK_LISTEN', { address: `127.0.0.1:${String(port)}`, reason }, { cause })
  }
}

/** Ends listening at once; running requests get `graceful`, then their connections are cut. */
export async function closeServer(server: Server, graceful: Promise<unknown>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })
  server.closeIdleConnections()
  await Promise.race([closed, graceful])
  server.closeAllConnections()
  await closed
}

function newServer(deps: ListenDeps): Server {
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0 }, deps.handle)
  server.maxConnections = MAX_CONNECTIONS
  server.on('upgrade', (request, socket, head) => {
    // Nobody would say goodbye to one that comes while the others are told.
    if (!server.listening) {
      socket.destroy()
      return
    }
    deps.upgraded.add(socket)
    socket.once('close', () => deps.upgraded.delete(socket))
    deps.main.emit('upgrade', request, socket, head)
  })
  server.on('clientError', (_error, socket) => {
    socket.destroy()
  })
  return server
}

function listen(
  server: Server,
  at: { path: string } | { host: string; port: number; ipv6Only?: boolean },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A directory that only this account can enter. In a shared place somebody else may have made it first. */
async function ownDirectory(path: string, disk: Disk): Promise<void> {
  await disk.mkdir(path, 0o700)
  const stat = await disk.stat(path)
  const uid = process.getuid?.()
  if (stat?.kind !== 'directory' || (uid !== undefined && stat.uid !== uid))
    throw new PlexiError('SYSTEM_PERMISSION', { reason: `${path} belongs to another account` })
  if ((stat.mode & 0o077) !== 0) await disk.chmod(path, 0o700)
}
