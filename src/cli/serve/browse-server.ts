/**
 * Snapshots over HTTP and WebDAV for this machine alone: read only, on loopback, below a path that only who started it
 * knows. Invariants: exact Host names only; every method that would write is refused; a request's body is bounded and
 * never looked at; what cannot be read ends the connection rather than passing for whole.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { equalSecret, utf8 } from '../../base/bytes.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { htmlPage, multiStatus } from './listings.ts'
import { rangeOf } from './range.ts'
import { dispositionOf, safetyHeaders, typeOf } from './safe-text.ts'
import type { Item, Shelf } from './shelf.ts'

const MAX_CONNECTIONS = 64
const MAX_BODY_BYTES = 64 * 1024
const METHODS = 'OPTIONS, GET, HEAD, PROPFIND'

export interface BrowseOptions {
  /** 0: chosen by the system. */
  readonly port: number
  /** First name of every path. */
  readonly token: string
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** From the top of the server, the token first. */
  readonly names: readonly string[]
  /** Inside it. */
  readonly inside: readonly string[]
  /** Fires when the reader has gone away. */
  readonly signal: AbortSignal
}

export class BrowseServer {
  readonly #options: BrowseOptions
  readonly #shelf: Shelf
  readonly #server: Server
  readonly #hosts = new Set<string>()

  constructor(options: BrowseOptions, shelf: Shelf) {
    this.#options = options
    this.#shelf = shelf
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** Address of the top. Throws `NETWORK_LISTEN`. */
  async start(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const reason = cause.code === 'EADDRINUSE' ? 'in use' : (cause.code ?? 'refused')
        const address = `127.0.0.1:${String(this.#options.port)}`
        reject(new PlexiError('NETWORK_LISTEN', { address, reason }, { cause }))
      })
      this.#server.listen(this.#options.port, '127.0.0.1', resolve)
    })
    const { port } = this.#server.address() as AddressInfo
    for (const name of ['127.0.0.1', 'localhost']) this.#hosts.add(`${name}:${String(port)}`)
    return `http://127.0.0.1:${String(port)}/${this.#options.token}/`
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(safetyHeaders)) response.setHeader(name, value)
    const gone = new AbortController()
    response.once('close', () => {
      gone.abort()
    })
    try {
      if (!this.#hosts.has(request.headers.host ?? '')) throw new PlexiError('AUTH_ORIGIN', { header: 'Host' })
      await discard(request)
      const names = namesOf(request.url ?? '')
      if (!equalSecret(utf8(names[0] ?? ''), utf8(this.#options.token)))
        throw new PlexiError('STORAGE_NOT_FOUND', { what: 'page' })
      await this.#answer({ request, response, names, inside: names.slice(1), signal: gone.signal })
    } catch (error) {
      if (response.headersSent) response.destroy()
      else plain(response, toPlexiError(error))
    }
  }

  #answer(exchange: Exchange): Promise<void> {
    switch (exchange.request.method) {
      case 'GET':
      case 'HEAD':
        return this.#get(exchange)
      case 'PROPFIND':
        return this.#properties(exchange)
      case 'OPTIONS':
        exchange.response.writeHead(200, { allow: METHODS, dav: '1', 'content-length': 0 }).end()
        return Promise.resolve()
      default:
        exchange.response.writeHead(405, { allow: METHODS, 'content-length': 0 }).end()
        return Promise.resolve()
    }
  }

  async #get(exchange: Exchange): Promise<void> {
    const { inside, names, signal } = exchange
    const found = await this.#shelf.look(inside, signal)
    if (found !== undefined) return this.#file(exchange, found)
    exchange.response.setHeader('content-type', 'text/html; charset=utf-8')
    await send(exchange, htmlPage({ names, items: this.#shelf.items(inside, signal) }))
  }

  async #file(exchange: Exchange, { kind, name, size, mtime }: Item): Promise<void> {
    const { request, response, inside, signal } = exchange
    if (kind !== 'file') throw new PlexiError('STORAGE_NOT_FOUND', { what: `file ${name}` })
    const modified = new Date(mtime).toUTCString()
    const { range: asked, 'if-range': condition } = request.headers
    // Whoever holds a part of something else gets all of this.
    const range = condition === undefined || condition === modified ? rangeOf(asked, size) : undefined
    response.setHeader('accept-ranges', 'bytes')
    if (range === null) {
      response.writeHead(416, { 'content-range': `bytes */${String(size)}`, 'content-length': 0 }).end()
      return
    }
    const { from, length } = range ?? { from: 0, length: size }
    response.setHeader('content-type', typeOf(name))
    response.setHeader('content-disposition', dispositionOf(name))
    response.setHeader('last-modified', modified)
    response.setHeader('content-length', length)
    if (range !== undefined) {
      response.statusCode = 206
      response.setHeader('content-range', `bytes ${String(from)}-${String(from + length - 1)}/${String(size)}`)
    }
    await send(exchange, this.#shelf.bytes(inside, { from, length }, signal))
  }

  /** Everything is answered with all there is to know, whatever properties were asked for. */
  async #properties(exchange: Exchange): Promise<void> {
    const { request, response, inside, names, signal } = exchange
    const { depth } = request.headers
    response.setHeader('content-type', 'application/xml; charset=utf-8')
    if (depth !== '0' && depth !== '1') {
      response.writeHead(403).end('<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>')
      return
    }
    const found = await this.#shelf.look(inside, signal)
    if (found?.kind === 'other') throw new PlexiError('STORAGE_NOT_FOUND', { what: `file ${found.name}` })
    const self = found ?? { name: inside.at(-1) ?? 'backups', kind: 'directory', size: 0, mtime: '' }
    const items = found === undefined && depth === '1' ? this.#shelf.items(inside, signal) : none()
    response.statusCode = 207
    await send(exchange, multiStatus(self, { names, items }))
  }
}

/** The first piece is awaited before anything is sent: what cannot be read fails with a status. */
async function send({ request, response }: Exchange, body: AsyncIterable<Uint8Array | string>): Promise<void> {
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const pieces = body[Symbol.asyncIterator]()
  const first = await pieces.next()
  const all = async function* (): AsyncGenerator<Uint8Array | string> {
    try {
      for (let step = first; step.done !== true; step = await pieces.next()) yield step.value
    } finally {
      await pieces.return?.()
    }
  }
  await pipeline(Readable.from(all(), { objectMode: false }), response)
}

/** Names of a path, decoded. Throws `VALIDATION_USAGE` for what is none. */
function namesOf(url: string): string[] {
  try {
    const names = (url.split('?')[0] ?? '')
      .split('/')
      .filter((name) => name !== '')
      .map(decodeURIComponent)
    if (!names.some((name) => name.includes('/') || name.includes('\0') || name === '..')) return names
  } catch {
    // Broken percent signs.
  }
  throw new PlexiError('VALIDATION_USAGE', { reason: 'this is no path' })
}

async function discard(request: IncomingMessage): Promise<void> {
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) throw new PlexiError('VALIDATION_LIMIT', { what: 'the request', limit: MAX_BODY_BYTES })
  }
}

function plain(response: ServerResponse, error: PlexiError): void {
  for (const name of ['content-length', 'content-range', 'content-disposition', 'last-modified'])
    response.removeHeader(name)
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.writeHead(error.httpStatus).end(`${error.code}: ${error.message}\n`)
}

async function* none(): AsyncGenerator<Item> {
  // Nothing below.
}
