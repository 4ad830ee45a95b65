/**
 * Invite codes: one line of text that carries everything a friend needs to join (docs/spec/06-dht-records.md, invites):
 * circle, its key, addresses, the inviter's vault and a token. The token is kept only as a hash. Invariant: a token
 * is worth exactly its uses, never after its end, and both sides become vouched by the same exchange.
 */
import { z } from 'zod'
import { concat, equal, fromBase64Url, toBase64Url, toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { bytesOf, decodeAs, encode, textUpTo, vaultField } from '../crypto/codec.ts'
import { sha256 } from '../crypto/hash.ts'
import type { VaultId } from '../crypto/ids.ts'
import { inviteFormat } from './options.ts'
import type { PeersDatabase } from './peers/database.ts'

export interface Invite {
  readonly circle: string
  readonly key?: Uint8Array
  readonly addresses: readonly string[]
  readonly vault: VaultId
  readonly token: Uint8Array
}

/** An invite as its maker sees it later; the token itself is not kept. */
export interface OpenInvite {
  readonly id: string
  readonly uses: number
  readonly used: number
  /** Milliseconds since 1970. */
  readonly created: number
  readonly expires: number
}

const PREFIX = 'plexi1'
const CHECKSUM_BYTES = 4
const MAX_ADDRESS_CHARS = 160

const inviteSchema = z.strictObject({
  circle: textUpTo(64),
  key: bytesOf(32).nullable(),
  addresses: z.array(textUpTo(MAX_ADDRESS_CHARS)).max(inviteFormat.maxAddresses),
  vault: vaultField,
  token: bytesOf(inviteFormat.tokenBytes),
})

/** `plexi1` ‖ base64url(CBOR ‖ first 4 bytes of its SHA-256). */
export function encodeInvite(invite: Invite): string {
  const addresses = invite.addresses
    .filter((address) => address.length <= MAX_ADDRESS_CHARS)
    .slice(0, inviteFormat.maxAddresses)
  const { circle, vault, token, key } = invite
  const body = encode({ circle, key: key ?? null, addresses, vault, token })
  return PREFIX + toBase64Url(concat(body, checksum(body)))
}

/** Throws `SECURITY_INVITE` for anything that is not exactly a code. White space around it is forgiven. */
export function decodeInvite(code: string): Invite {
  const text = code.trim()
  if (text.length > inviteFormat.maxCodeChars || !text.startsWith(PREFIX)) throw badInvite('it is not an invite code')
  let bytes: Uint8Array
  try {
    bytes = fromBase64Url(text.slice(PREFIX.length))
  } catch (error) {
    throw badInvite('it was not copied completely', error)
  }
  const body = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_BYTES))
  if (!equal(checksum(body), bytes.subarray(body.length))) throw badInvite('it was not copied completely')
  try {
    const { key, ...rest } = decodeAs(inviteSchema, body, { what: 'an invite', maxBytes: inviteFormat.maxCodeChars })
    return key === null ? rest : { ...rest, key }
  } catch (error) {
    throw badInvite('it is of another version', error)
  }
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

function checksum(body: Uint8Array): Uint8Array {
  return sha256(body).subarray(0, CHECKSUM_BYTES)
}

function badInvite(reason: string, cause?: unknown): PlexiError {
  return new PlexiError('SECURITY_INVITE', { reason }, { cause })
}
