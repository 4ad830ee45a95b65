/** The WebSocket half of the client, apart because only long work needs it. Frames are read as fast as they are used. */
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { PlexiError } from '../base/errors.ts'
import { connectionError, identification, type ApiAddress } from './client-address.ts'
import type { SocketFrame, SocketHello } from './contract.ts'
import { apiPrefix, paths } from './paths.ts'
import { errorOfProblem } from './problem.ts'

const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** Frames waiting for the reader before the socket is paused. */
const MAX_WAITING_FRAMES = 256

export async function* followFrames(
  address: ApiAddress,
  hello: SocketHello,
  signal: AbortSignal,
): AsyncGenerator<SocketFrame, void, undefined> {
  signal.throwIfAborted()
  const socket = open(address)
  const inbox = new Inbox(socket)
  const stop = (): void => {
    inbox.fail(signal.reason)
    socket.terminate()
  }
  signal.addEventListener('abort', stop, { once: true })
  socket.on('open', () => {
    socket.send(JSON.stringify(hello))
  })
  try {
    for (;;) {
      const frame = await inbox.next()
      if (frame.type === 'problem') throw errorOfProblem(frame.problem)
      yield frame
      if (frame.type === 'end') return
    }
  } finally {
    signal.removeEventListener('abort', stop)
    socket.terminate()
  }
}

function open(address: ApiAddress): WebSocket {
  const path = apiPrefix + paths.eventSocket.path
  const authority = 'socketPath' in address ? 'localhost' : (identification(address)['host'] ?? '')
  return new WebSocket(`ws://${authority}${path}`, {
    // An address `ws+unix:` would be cut at a colon in the path.
    ...('socketPath' in address ? { createConnection: () => connect({ path: address.socketPath }) } : {}),
    headers: identification(address),
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  })
}

/** Turns the socket's events into a queue that one reader awaits. */
class Inbox {
  readonly #socket: WebSocket
  readonly #frames: SocketFrame[] = []
  #error: unknown
  #wake: (() => void) | undefined

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => {
      // eslint-disable-next-line @typescript-eslint/no-base-to-string -- ws gives a Buffer
      this.#frames.push(JSON.parse(String(data)) as SocketFrame)
      if (this.#frames.length >= MAX_WAITING_FRAMES) socket.pause()
      this.#wake?.()
    })
    socket.on('error', (error) => {
      this.fail(connectionError(error))
    })
    socket.on('close', () => {
      this.fail(new PlexiError('SYSTEM_DAEMON_NOT_RUNNING', {}, { message: 'the daemon was stopped meanwhile' }))
    })
  }

  fail(error: unknown): void {
    this.#error ??= error
    this.#wake?.()
  }

  async next(): Promise<SocketFrame> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) {
        if (this.#socket.isPaused) this.#socket.resume()
        return frame
      }
      if (this.#error !== undefined) throw this.#error as Error
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
