/**
 * `GET events/ws`: the first frame says who asks and for what, then the server sends one frame per event and waits until
 * each has left the process, so a slow reader slows its own stream and nothing else. Spec: docs/API.md
 */
import type { WebSocket } from '@fastify/websocket'
import { deadline, type Clock } from '../base/clock.ts'
import { PlexiError, toPlexiError } from '../base/errors.ts'
import { socketHello, type SocketFrame } from './contract.ts'
import { problemOf } from './problem.ts'
import type { ApiServices } from './services.ts'
import { callerOfToken, requireRole, type Caller, type TokenCheck } from './shield.ts'

export interface EventSocketDeps {
  readonly services: ApiServices
  readonly clock: Clock
  readonly tokens: TokenCheck
  readonly helloTimeoutMs: number
  readonly pingMs: number
}

/** Close codes of RFC 6455. */
const NORMAL = 1000
const POLICY = 1008

/** Serves one socket to its end; never throws. `caller` is known for the Unix socket and for Authorization headers. */
export async function serveEventSocket(
  socket: WebSocket,
  from: { caller: Caller | undefined; correlationId: string },
  deps: EventSocketDeps,
): Promise<void> {
  const gone = new AbortController()
  socket.on('close', () => {
    gone.abort()
  })
  socket.on('error', () => {
    gone.abort()
  })
  try {
    const hello = await readHello(socket, deps, gone.signal)
    const caller = from.caller ?? (await callerOfToken(hello.token ?? '', deps.tokens))
    requireRole(caller, 'viewer')
    watch(socket, deps, gone)
    if (hello.job === undefined) await sendEvents(socket, { since: hello.since, signal: gone.signal }, deps.services)
    else await sendJob(socket, { job: hello.job, since: hello.since, signal: gone.signal }, deps.services)
    socket.close(NORMAL)
  } catch (error) {
    if (gone.signal.aborted) return
    const problem = problemOf(error, { instance: '/api/v1/events/ws', correlationId: from.correlationId })
    socket.send(JSON.stringify({ type: 'problem', problem } satisfies SocketFrame))
    socket.close(POLICY)
  } finally {
    gone.abort()
  }
}

async function sendJob(
  socket: WebSocket,
  at: { job: string; since: number; signal: AbortSignal },
  services: ApiServices,
): Promise<void> {
  const { id } = await services.jobs.get(at.job)
  for await (const { seq, time, event } of services.jobs.follow(id, at.since, at.signal))
    await send(socket, { type: 'job', seq, time, event })
  await send(socket, { type: 'end', job: await services.jobs.get(id) })
}

async function sendEvents(
  socket: WebSocket,
  at: { since: number; signal: AbortSignal },
  services: ApiServices,
): Promise<void> {
  for await (const event of services.events.follow(at.since, at.signal)) await send(socket, { type: 'event', event })
  await send(socket, { type: 'end', job: null })
}

/** Resolves when the frame was handed to the system. */
function send(socket: WebSocket, frame: SocketFrame): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(JSON.stringify(frame), (error) => {
      if (error instanceof Error) reject(error)
      else resolve()
    })
  })
}

async function readHello(socket: WebSocket, deps: EventSocketDeps, gone: AbortSignal) {
  const wait = deadline(deps.clock, deps.helloTimeoutMs, gone)
  try {
    const text = await new Promise<string>((resolve, reject) => {
      socket.once('message', (data, isBinary) => {
        // eslint-disable-next-line @typescript-eslint/no-base-to-string -- ws gives a Buffer
        resolve(isBinary ? '' : String(data))
      })
      wait.signal.addEventListener('abort', () => {
        reject(new PlexiError('AUTH_TOKEN_REQUIRED'))
      })
    })
    return parseHello(text)
  } finally {
    wait.clear()
  }
}

function parseHello(text: string) {
  try {
    return socketHello.parse(JSON.parse(text))
  } catch (cause) {
    throw new PlexiError('VALIDATION_FORMAT', { expected: 'a hello frame {token?, job?, since?}' }, { cause })
  }
}

/** Pings; a reader that answers none for a whole interval is cut off. */
function watch(socket: WebSocket, deps: EventSocketDeps, gone: AbortController): void {
  let answered = true
  socket.on('pong', () => {
    answered = true
  })
  const loop = async (): Promise<void> => {
    for (;;) {
      await deps.clock.sleep(deps.pingMs, gone.signal)
      if (!answered) {
        socket.terminate()
        return
      }
      answered = false
      socket.ping()
    }
  }
  loop().catch((error: unknown) => {
    if (!gone.signal.aborted) gone.abort(toPlexiError(error))
  })
}
