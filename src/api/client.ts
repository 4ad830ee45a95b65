/**
 * The client of the contract: over the Unix socket of a home, or TCP with a token. It imports no schemas, so that a
 * command starts fast; the daemon's errors come back as the `PlexiError`s they were. Spec: docs/API.md
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PlexiError } from '../base/errors.ts'
import type { RouteInput, RouteItem, RoutesOfKind, SocketFrame, SocketHello } from './contract.ts'
import { apiPrefix, paths, type RouteName, type RoutePath } from './paths.ts'
import { connectionError, identification, type ApiAddress } from './client-address.ts'
import { errorOfProblem } from './problem.ts'

/** Largest JSON answer taken; pages are bounded far below. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const PAGE_ITEMS = 5_000

interface Parts {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
}
interface CallOptions {
  readonly signal?: AbortSignal
  readonly idempotencyKey?: string
}

export class ApiClient {
  readonly #address: ApiAddress

  constructor(address: ApiAddress) {
    this.#address = address
  }

  /** One document: the answer of a read or write, or the job that was started. */
  async call<N extends RoutesOfKind<'document' | 'job'>>(
    name: N,
    input: RouteInput<N>,
    options: CallOptions = {},
  ): Promise<RouteItem<N>> {
    const response = await this.#send(name, input as Parts, options)
    return (await readJson(response)) as RouteItem<N>
  }

  /** All items of a list, page by page. */
  async *list<N extends RoutesOfKind<'list'>>(
    name: N,
    input: RouteInput<N>,
    options: CallOptions = {},
  ): AsyncGenerator<RouteItem<N>, void, undefined> {
    const parts = input as Parts
    let cursor: string | undefined
    do {
      const query = { limit: PAGE_ITEMS, ...parts.query, cursor }
      const response = await this.#send(name, { ...parts, query }, options)
      const page = (await readJson(response)) as { items: RouteItem<N>[]; next: string | null }
      yield* page.items
      if (page.next !== null && page.next === cursor)
        throw new PlexiError('SYSTEM_UNEXPECTED', { reason: 'a list that does not go on' })
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
  }

  async text(name: RoutesOfKind<'text'>, options: CallOptions = {}): Promise<string> {
    const response = await this.#send(name, {}, options)
    return (await readAll(response)).toString('utf8')
  }

  /** A streamed body; ends with an error where the daemon broke off. */
  async *bytes<N extends RoutesOfKind<'bytes'>>(
    name: N,
    input: RouteInput<N>,
    options: CallOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const response = await this.#send(name, input as Parts, options)
    try {
      for await (const chunk of response) yield chunk as Buffer
    } catch (cause) {
      options.signal?.throwIfAborted()
      throw await this.#brokenOff(cause)
    }
  }

  /** Why a body ended early: the daemon is gone, or it met something that no longer fits into the answer. */
  async #brokenOff(cause: unknown): Promise<PlexiError> {
    try {
      await this.call('healthLive', {})
    } catch {
      return new PlexiError('SYSTEM_DAEMON_NOT_RUNNING', {}, { cause, message: 'the daemon was stopped meanwhile' })
    }
    return new PlexiError('STORAGE_BROKEN_OFF', {}, { cause })
  }

  /** Streams the input of a `stdin` backup. */
  async upload(
    name: RoutesOfKind<'upload'>,
    input: RouteInput<'jobInput'> & { readonly source: AsyncIterable<Uint8Array> },
    options: CallOptions = {},
  ): Promise<RouteItem<'jobInput'>> {
    const response = await this.#send(name, { params: input.params, body: Readable.from(input.source) }, options)
    return (await readJson(response)) as RouteItem<'jobInput'>
  }

  /** Frames of `events/ws` until its `end` frame or the signal. A `problem` frame is thrown. */
  async *follow(hello: SocketHello, signal: AbortSignal): AsyncGenerator<SocketFrame, void, undefined> {
    const { followFrames } = await import('./client-socket.ts')
    yield* followFrames(this.#address, hello, signal)
  }

  #send(name: RouteName, parts: Parts, options: CallOptions): Promise<IncomingMessage> {
    const { method, path }: RoutePath = paths[name]
    const streamed = parts.body instanceof Readable
    const body = method === 'GET' || streamed ? undefined : Buffer.from(JSON.stringify(parts.body ?? {}))
    const request: RequestOptions = {
      ...connection(this.#address),
      agent: false,
      method,
      path: apiPrefix + fillPath(path, parts.params) + queryText(parts.query),
      headers: {
        ...identification(this.#address),
        ...(streamed ? { 'content-type': 'application/octet-stream' } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }
    return exchange(request, streamed ? parts.body : body)
  }
}

function connection(address: ApiAddress): RequestOptions {
  return 'socketPath' in address ? { socketPath: address.socketPath } : { host: address.host, port: address.port }
}

function exchange(options: RequestOptions, body: Buffer | Readable | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(options)
    let sourceFailed: unknown
    request.once('error', (error) => {
      if (options.signal?.aborted === true) reject(options.signal.reason as Error)
      else reject(sourceFailed instanceof Error ? sourceFailed : connectionError(error))
    })
    request.once('response', (response) => {
      if ((response.statusCode ?? 500) < 400) resolve(response)
      else readProblem(response).then(reject, reject)
    })
    if (body instanceof Readable) {
      body.once('error', (error) => (sourceFailed = error))
      // Its failure destroys the request: the daemon sees a broken body, never a short one.
      pipeline(body, request).catch((error: unknown) => {
        reject(sourceFailed instanceof Error ? sourceFailed : connectionError(error))
      })
    } else request.end(body)
  })
}

async function readProblem(response: IncomingMessage): Promise<PlexiError> {
  const text = (await readAll(response)).toString('utf8')
  try {
    return errorOfProblem(JSON.parse(text) as Record<string, unknown>)
  } catch (cause) {
    const reason = `the daemon answered ${String(response.statusCode)}`
    return new PlexiError('SYSTEM_UNEXPECTED', { reason }, { cause })
  }
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  return JSON.parse((await readAll(response)).toString('utf8')) as unknown
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > MAX_ANSWER_BYTES)
        throw new PlexiError('VALIDATION_LIMIT', { what: 'the answer', limit: MAX_ANSWER_BYTES })
      parts.push(part)
    }
  } catch (error) {
    throw error instanceof PlexiError ? error : connectionError(error)
  }
  return Buffer.concat(parts)
}

function fillPath(path: string, params: Readonly<Record<string, string>> = {}): string {
  return path.replace(/:(\w+)/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''))
}

function queryText(query: NonNullable<Parts['query']> = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
  return search.size === 0 ? '' : `?${search.toString()}`
}
