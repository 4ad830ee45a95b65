/** Gives fastify every route of the contract: role, schemas, idempotency and the way its kind of answer is sent. */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { contract, problem, responseSchema, type RouteContract } from './contract.ts'
import { serveEventSocket } from './event-socket.ts'
import { bodies, documents, lists, texts, uploads, type BytesAnswer, type Call, type ListAnswer } from './handlers.ts'
import type { IdempotencyStore } from './idempotency.ts'
import type { ApiOptions } from './options.ts'
import { cutPage } from './pagination.ts'
import { paths, type RouteName, type RoutePath } from './paths.ts'
import type { ApiServices } from './services.ts'
import { requireRole, type TokenCheck } from './shield.ts'

export interface RouteDeps {
  readonly services: ApiServices
  readonly tokens: TokenCheck
  readonly clock: Clock
  readonly log: Logger
  readonly once: IdempotencyStore
  readonly options: ApiOptions
}

/** A call whose route is not known to the compiler; the contract's schemas have checked its parts. */
type AnyCall = Call<never> & { readonly query: { readonly cursor?: string; readonly limit?: number } }
type Answer = (call: AnyCall, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

const idempotencyKeyForm = /^[\x21-\x7e]{1,128}$/

export function registerRoutes(app: FastifyInstance, deps: RouteDeps): void {
  for (const name of Object.keys(paths) as RouteName[]) {
    if (name === 'eventSocket') registerSocket(app, deps)
    else registerRoute(app, name, deps)
  }
}

function registerRoute(app: FastifyInstance, name: RouteName, deps: RouteDeps): void {
  const { method, path, kind }: RoutePath = paths[name]
  const { role, roleOf }: RouteContract = contract[name]
  const answer = name === 'openapi' ? () => Promise.resolve(app.swagger()) : answers(name, deps)
  const success = kind === 'job' ? 202 : 200
  app.route({
    method,
    url: path,
    schema: schemaOf(name, success),
    onRequest: (request, _reply, done) => {
      requireRole(request.caller, role)
      done()
    },
    handler: async (request, reply) => {
      if (roleOf !== undefined) requireRole(request.caller, roleOf(request.body))
      const call = callOf(request, reply, deps.services)
      const send = (): Promise<unknown> => answer(call, request, reply)
      const result = method === 'GET' || kind === 'upload' ? await send() : await onceOnly(request, send, deps)
      // Of a stream whose reader has gone the head was sent, and no more will be.
      return reply.sent || reply.raw.headersSent ? reply : reply.code(success).send(result)
    },
  })
}

/** How the answer of a route is made, by its kind. */
function answers(name: RouteName, deps: RouteDeps): Answer {
  const { kind } = paths[name]
  switch (kind) {
    case 'document':
    case 'job':
      return (documents as unknown as Record<string, Answer>)[name] as Answer
    case 'list': {
      const list = (lists as unknown as Record<string, (call: AnyCall) => ListAnswer<unknown>>)[name]
      return (call) => {
        const { items, key } = (list as (call: AnyCall) => ListAnswer<unknown>)(call)
        const { cursor, limit } = call.query
        return cutPage(items, key, { cursor, limit: limit ?? deps.options.defaultPageItems })
      }
    }
    case 'text':
      return async (call, _request, reply) => {
        reply.type('text/plain; version=0.0.4; charset=utf-8')
        return (texts as unknown as Record<string, (call: AnyCall) => Promise<string>>)[name]?.(call)
      }
    case 'bytes':
      return (call, _request, reply) =>
        sendBytes((bodies as unknown as Record<string, (call: AnyCall) => Promise<BytesAnswer>>)[name]?.(call), {
          reply,
          log: deps.log,
        })
    case 'upload':
      return (call, request) => uploads.jobInput({ ...(call as unknown as Call<'jobInput'>), input: inputOf(request) })
    case 'socket':
      throw new PlexiError('SYSTEM_UNEXPECTED', { reason: 'a socket is no request' })
  }
}

interface Sending {
  readonly reply: FastifyReply
  readonly log: Logger
}

/** The first bytes are awaited before anything is sent: what cannot be read fails with a status, not half-way. */
async function sendBytes(asked: Promise<BytesAnswer> | undefined, { reply, log }: Sending): Promise<unknown> {
  const answer = await asked
  if (answer === undefined) throw new PlexiError('SYSTEM_UNEXPECTED', { reason: 'no such route' })
  const iterator = answer.body[Symbol.asyncIterator]()
  const first = await iterator.next()
  reply.type('application/octet-stream')
  if (answer.size !== null) reply.header('content-length', answer.size)
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (let step = first; step.done !== true; step = await iterator.next()) yield step.value
    } catch (error) {
      // Nothing but the log can tell any more: the reader sees a broken connection.
      if (!reply.raw.destroyed) log.warn('api answer broken off', { error, correlation: reply.request.id })
      throw error
    } finally {
      await iterator.return?.()
    }
  }
  return reply.send(Readable.from(body(), { objectMode: false }))
}

function inputOf(request: FastifyRequest): AsyncIterable<Uint8Array> {
  if (!(request.body instanceof Readable))
    throw new PlexiError('VALIDATION_FORMAT', { expected: 'application/octet-stream' })
  return request.body as AsyncIterable<Uint8Array>
}

async function onceOnly(request: FastifyRequest, work: () => Promise<unknown>, deps: RouteDeps): Promise<unknown> {
  const key = request.headers['idempotency-key']
  if (key === undefined) return work()
  if (typeof key !== 'string' || !idempotencyKeyForm.test(key))
    throw new PlexiError('VALIDATION_FORMAT', { expected: 'an Idempotency-Key of 1 to 128 visible characters' })
  const body = createHash('sha256')
    .update(JSON.stringify(request.body ?? null))
    .digest('hex')
  const fingerprint = `${request.method} ${request.url} ${body}`
  return deps.once.once(`${request.caller?.name ?? ''} ${key}`, fingerprint, work)
}

function callOf(request: FastifyRequest, reply: FastifyReply, services: ApiServices): AnyCall {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  const { params, query, body } = request
  return { services, params, query, body, signal: gone.signal } as unknown as AnyCall
}

function schemaOf(name: RouteName, success: number): FastifySchema {
  const { params, query, body, summary, role }: RouteContract = contract[name]
  const response = responseSchema(name)
  return {
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { querystring: query }),
    ...(body === undefined ? {} : { body }),
    ...(response === undefined ? {} : { response: { [success]: response, default: problem } }),
    operationId: name,
    summary,
    tags: [paths[name].path.split('/')[1] ?? ''],
    security: role === 'open' ? [] : [{ token: [] }],
  }
}

function registerSocket(app: FastifyInstance, deps: RouteDeps): void {
  const { clock, services, tokens, options } = deps
  const { helloTimeoutMs, socketPingMs: pingMs, maxSockets } = options
  app.get(paths.eventSocket.path, { websocket: true }, (socket, request) => {
    if (app.websocketServer.clients.size > maxSockets) {
      socket.close(1013)
      return
    }
    const from = { caller: request.caller, correlationId: request.id }
    void serveEventSocket(socket, from, { services, clock, tokens, helloTimeoutMs, pingMs })
  })
}
