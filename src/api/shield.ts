/**
 * Who may come in: exact Host and Origin allow-lists against rebinding and foreign pages, and bearer tokens for TCP.
 * Spec: docs/API.md. Tokens are read from the Authorization header only, never from a URL.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { equalSecret, utf8 } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import { roles, type Role } from './roles.ts'

/** Who calls: the account that owns the socket, or the bearer of a token. */
export interface Caller {
  readonly name: string
  readonly role: Exclude<Role, 'open'>
}

/** Resolves a bearer token; undefined: not valid. */
export type TokenCheck = (token: string) => Promise<Caller | undefined>

/** The name that clients of the Unix socket put into Host. */
export const socketHost = 'plexichat.local'
const MAX_TOKEN_CHARACTERS = 512

/** The one token of `<home>/run/token`, compared in constant time. */
export function singleToken(token: string): TokenCheck {
  const expected = digest(token)
  return (given) => Promise.resolve(equalSecret(digest(given), expected) ? { name: 'token', role: 'admin' } : undefined)
}

/** Remembers by which listener a connection came in: the Unix socket vouches for its account. */
export class Listeners {
  readonly #local = new WeakSet<Socket>()
  readonly #hosts = new Set<string>()

  markLocal(socket: Socket): void {
    this.#local.add(socket)
  }

  /** Port of a loopback listener: its exact names become valid Hosts and Origins. */
  allowPort(port: number): void {
    for (const name of ['127.0.0.1', 'localhost', '[::1]']) this.#hosts.add(`${name}:${String(port)}`)
  }

  isLocal(request: IncomingMessage): boolean {
    return this.#local.has(request.socket)
  }

  /** Throws `AUTH_ORIGIN` unless Host is ours, and Origin too where there is one. */
  checkOrigin(request: IncomingMessage): void {
    const host = request.headers.host ?? ''
    const known = this.isLocal(request) ? host === socketHost || host === 'localhost' : this.#hosts.has(host)
    if (!known) throw new PlexiError('AUTH_ORIGIN', { header: 'Host' })
    const { origin } = request.headers
    // Browsers name the page that asks. Only a page that this daemon served itself may.
    if (origin !== undefined && (!origin.startsWith('http://') || !this.#hosts.has(origin.slice('http://'.length))))
      throw new PlexiError('AUTH_ORIGIN', { header: 'Origin' })
    const site = request.headers['sec-fetch-site']
    if (site === 'cross-site' || site === 'same-site') throw new PlexiError('AUTH_ORIGIN', { header: 'Sec-Fetch-Site' })
  }
}

/** The caller of a request, or undefined when it shows no token. Throws `AUTH_TOKEN_INVALID` for a wrong one. */
export async function callerOf(
  request: IncomingMessage,
  listeners: Listeners,
  check: TokenCheck,
): Promise<Caller | undefined> {
  if (listeners.isLocal(request)) return { name: 'local', role: 'admin' }
  const header = request.headers.authorization
  if (header === undefined) return undefined
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(header)?.[1]
  return callerOfToken(token ?? '', check)
}

export async function callerOfToken(token: string, check: TokenCheck): Promise<Caller> {
  const caller = token === '' || token.length > MAX_TOKEN_CHARACTERS ? undefined : await check(token)
  if (caller === undefined) throw new PlexiError('AUTH_TOKEN_INVALID')
  return caller
}

/** Throws `AUTH_TOKEN_REQUIRED` or `AUTH_FORBIDDEN`. */
export function requireRole(caller: Caller | undefined, needed: Role): void {
  if (needed === 'open') return
  if (caller === undefined) throw new PlexiError('AUTH_TOKEN_REQUIRED')
  if (roles.indexOf(caller.role) < roles.indexOf(needed))
    throw new PlexiError('AUTH_FORBIDDEN', { reason: `this needs the role ${needed}` })
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(utf8(text)).digest()
}
