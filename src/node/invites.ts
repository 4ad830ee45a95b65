/**
 * Invite codes: one line of text that carries everything a friend needs to join (docs/spec/06-dht-records.md, invites):
 * circle, its key, addresses, the inviter's vault and a token. The token is kept only as a hash. Invariant: a token
 * is worth exactly its uses, never after its end, and both sides become vouched by the same exchange.
 */
import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { sha256 } from '../crypto/hash.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { codeHost, decodeCode, encodeCode, type CircleCode, type CodeKind } from './codes.ts'
import { inviteFormat } from './options.ts'
import type { PeersDatabase } from './peers/database.ts'

export type Invite = CircleCode

/** An invite as its maker sees it later; the token itself is not kept. */
export interface OpenInvite {
  readonly id: string
  readonly uses: number
  readonly used: number
  /** Milliseconds since 1970. */
  readonly created: number
  readonly expires: number
}

const kind: CodeKind = { prefix: 'plexi1', what: 'an invite code', error: 'SECURITY_INVITE' }

export function encodeInvite(invite: Invite): string {
  return encodeCode(kind, invite)
}

/** Throws `SECURITY_INVITE` for anything that is not exactly a code. White space around it is forgiven. */
export function decodeInvite(code: string): Invite {
  return decodeCode(kind, code)
}

/** The peer an invite leads to. */
export function inviter(invite: Invite): { peer: PeerKey; addresses: string[] } {
  return codeHost(kind, invite)
}

/** Open invites of this node, in `peers.db`. */
export class InviteBook {
  readonly #database: PeersDatabase
  readonly #clock: Clock
  readonly #random: Random

  constructor(deps: { database: PeersDatabase; clock: Clock; random: Random }) {
    this.#database = deps.database
    this.#clock = deps.clock
    this.#random = deps.random
  }

  /** A fresh token, good for `uses` joins within `expiresMs`. */
  open(terms: { uses: number; expiresMs: number }): OpenInvite & { readonly token: Uint8Array } {
    const { uses, expiresMs } = terms
    if (!Number.isSafeInteger(uses) || uses < 1 || uses > inviteFormat.maxUses) {
      throw new PlexiError('VALIDATION_USAGE', { reason: `an invite has 1 to ${inviteFormat.maxUses} uses` })
    }
    const token = this.#random.bytes(inviteFormat.tokenBytes)
    const created = this.#clock.now()
    const expires = created + expiresMs
    this.#database.prepare('DELETE FROM invite WHERE expires < ? OR used >= uses').run(created)
    this.#database
      .prepare('INSERT INTO invite (token_hash, created, expires, uses) VALUES (?, ?, ?, ?)')
      .run(hashOf(token), created, expires, uses)
    return { id: idOf(hashOf(token)), uses, used: 0, created, expires, token }
  }

  /** Takes one use; false for an unknown, expired or used-up token. */
  redeem(token: Uint8Array): boolean {
    const taken = this.#database
      .prepare('UPDATE invite SET used = used + 1 WHERE token_hash = ? AND used < uses AND expires >= ?')
      .run(hashOf(token), this.#clock.now())
    return taken.changes === 1
  }

  /** Invites that can still be used. */
  list(): OpenInvite[] {
    const rows = this.#database
      .prepare('SELECT * FROM invite WHERE expires >= ? AND used < uses ORDER BY created')
      .all(this.#clock.now()) as (Omit<OpenInvite, 'id'> & { token_hash: string })[]
    return rows.map(({ token_hash, uses, used, created, expires }) => ({
      id: idOf(token_hash),
      uses,
      used,
      created,
      expires,
    }))
  }
}

/** The name of an invite tells nothing about its token. */
function idOf(tokenHash: string): string {
  return tokenHash.slice(0, 12)
}

function hashOf(token: Uint8Array): string {
  return toHex(sha256(token))
}
