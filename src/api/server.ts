/**
 * The API server: every route of the contract on the Unix socket and on loopback TCP, behind one shield. Requests are
 * validated and answers serialised by the contract's schemas; errors leave as problem documents. Spec: docs/API.md
 */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import websocket from '@fastify/websocket'
import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { toHex } from '../base/bytes.ts'
import { deadline, type Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { PlexiError } from '../base/errors.ts'
import type { Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { IdempotencyStore } from './idempotency.ts'
import { closeServer, listenOnLoopback, listenOnSocket, type ListenDeps } from './listeners.ts'
import { registerOpenApi } from './openapi.ts'
import type { ApiOptions } from './options.ts'
import { problemOf } from './problem.ts'
import { apiPrefix } from './paths.ts'
import { registerRoutes } from './register-routes.ts'
import { requestError } from './request-error.ts'
import type { ApiServices } from './services.ts'
import { Listeners, callerOf, type Caller, type TokenCheck } from './shield.ts'

export interface ApiServerDeps {
  readonly services: ApiServices
  readonly tokens: TokenCheck
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly log: Logger
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the shield; undefined without a token. */
    caller: Caller | undefined
  }
}

/** A client may name its own correlation id, so that its log and ours meet. */
const correlationForm = /^[\w-]{8,64}$/

export class ApiServer implements Service {
  readonly #options: ApiOptions
  readonly #deps: ApiServerDeps
  readonly #listeners = new Listeners()
  readonly #servers: Server[] = []
  readonly #upgraded = new Set<Duplex>()
  #app: FastifyInstance | undefined
  #port: number | undefined

  constructor(options: ApiOptions, deps: ApiServerDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** `http://127.0.0.1:PORT`, or the socket's path where there is no TCP. */
  get address(): string {
    if (this.#port !== undefined) return `http://127.0.0.1:${String(this.#port)}`
    return this.#options.socketPath ?? ''
  }

  /** Undefined before `start` and without TCP. */
  get port(): number | undefined {
    return this.#port
  }

  async start(): Promise<void> {
    const main = createServer()
    const app = await this.#build(main)
    this.#app = app
    const { disk, log } = this.#deps
    const listen: ListenDeps = {
      disk,
      log,
      known: this.#listeners,
      main,
      handle: app.routing.bind(app),
      upgraded: this.#upgraded,
    }
    if (this.#options.socketPath !== null) this.#servers.push(await listenOnSocket(this.#options.socketPath, listen))
    if (this.#options.port === null) return
    const { servers, port } = await listenOnLoopback(this.#options.port, listen)
    this.#servers.push(...servers)
    this.#listeners.allowPort(port)
    this.#port = port
  }

  async stop(): Promise<void> {
    const app = this.#app
    if (app === undefined) return
    const wait = deadline(this.#deps.clock, this.#options.stopTimeoutMs)
    const graceful = new Promise<void>((resolve) => {
      wait.signal.addEventListener('abort', () => {
        resolve()
      })
    })
    // Says goodbye to the WebSockets; those that do not answer are cut with everything else.
    const closing = app.close()
    void graceful.then(() => {
      for (const socket of this.#upgraded) socket.destroy()
    })
    await Promise.all(this.#servers.map((server) => closeServer(server, graceful)))
    wait.clear()
    await closing
    if (this.#options.socketPath !== null) await this.#deps.disk.unlink(this.#options.socketPath)
  }

  async #build(main: Server): Promise<FastifyInstance> {
    const { maxBodyBytes } = this.#options
    const app: FastifyInstance = Fastify({
      serverFactory: (handler) => main.on('request', handler),
      bodyLimit: maxBodyBytes,
      logger: false,
      exposeHeadRoutes: false,
      return503OnClosing: true,
      routerOptions: { maxParamLength: 256, ignoreTrailingSlash: false },
      genReqId: (request) => this.#correlationId(request.headers['x-correlation-id']),
    })
    app.setValidatorCompiler(validatorCompiler)
    app.setSerializerCompiler(serializerCompiler)
    app.removeContentTypeParser('text/plain')
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
      done(null, payload)
    })
    // Before the shield: only then are the connections of upgrades that the shield refuses closed.
    await app.register(websocket, { options: { maxPayload: 16_384, perMessageDeflate: false } })
    await this.#shield(app)
    await registerOpenApi(app)
    const { services, tokens, clock, log } = this.#deps
    const { idempotencyEntries: entries, idempotencyMs: keepMs } = this.#options
    const once = new IdempotencyStore({ entries, keepMs }, clock)
    await app.register(
      (scope, _options, done) => {
        registerRoutes(scope, { services, tokens, clock, log, once, options: this.#options })
        done()
      },
      { prefix: apiPrefix },
    )
    await app.ready()
    return app
  }

  /** Everything a request passes before it is looked at: headers, Host and Origin, rate, token. */
  async #shield(app: FastifyInstance): Promise<void> {
    app.decorateRequest('caller', undefined)
    app.setErrorHandler((error, request, reply) => this.#answerError(error, request, reply))
    app.setNotFoundHandler((request, reply) =>
      this.#answerError(new PlexiError('STORAGE_NOT_FOUND', { what: request.url.split('?')[0] ?? '' }), request, reply),
    )
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-correlation-id', request.id)
      reply.header('cache-control', 'no-store')
      this.#listeners.checkOrigin(request.raw)
    })
    await app.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      hsts: false,
      crossOriginResourcePolicy: { policy: 'same-origin' },
      referrerPolicy: { policy: 'no-referrer' },
    })
    await app.register(rateLimit, {
      max: this.#options.requestsPerMinute,
      timeWindow: 60_000,
      // All of one machine; the Unix socket has no address.
      keyGenerator: (request) => request.raw.socket.remoteAddress ?? 'local',
      allowList: (request) => this.#listeners.isLocal(request.raw),
      errorResponseBuilder: () => new PlexiError('NETWORK_BUSY', { peer: 'the daemon' }),
    })
    app.addHook('onRequest', async (request) => {
      request.caller = await callerOf(request.raw, this.#listeners, this.#deps.tokens)
    })
    app.addHook('onResponse', (request, reply, done) => {
      const fields = { method: request.method, route: request.routeOptions.url ?? '', status: reply.statusCode }
      this.#deps.log.debug('api request', { ...fields, ms: Math.round(reply.elapsedTime), correlation: request.id })
      done()
    })
  }

  async #answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const error = requestError(thrown)
    const instance = request.url.split('?')[0] ?? request.url
    const problem = problemOf(error, { instance, correlationId: request.id })
    if (problem.status >= 500 && error.code === 'SYSTEM_UNEXPECTED')
      this.#deps.log.error('api request failed', { instance, correlation: request.id, cause: error.stack })
    // The serializer of the route's own answer must not see a problem document.
    return reply
      .code(problem.status)
      .type('application/problem+json; charset=utf-8')
      .serializer((payload: unknown) => JSON.stringify(payload))
      .send(problem)
  }

  #correlationId(given: string | string[] | undefined): string {
    return typeof given === 'string' && correlationForm.test(given) ? given : toHex(this.#deps.random.bytes(12))
  }
}
