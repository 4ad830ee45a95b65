/**
 * Codes: one line of text that leads to a member of a circle and carries a secret for it (docs/spec/06-dht-records.md,
 * invites and device codes). Invariant: a code that was not copied exactly is refused before anything of it is used.
 */
import * as z from 'zod'
import { concat, equal, fromBase64Url, toBase64Url } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import { bytesOf, decodeAs, encode, textUpTo, vaultField } from '../crypto/codec.ts'
import { sha256 } from '../crypto/hash.ts'
import { peerKey, type PeerKey, type VaultId } from '../crypto/ids.ts'
import { peerOfAddress, withoutPeer } from './addresses.ts'
import { inviteFormat } from './options.ts'

export interface CircleCode {
  readonly circle: string
  readonly key?: Uint8Array
  readonly addresses: readonly string[]
  readonly vault: VaultId
  /** 16 random bytes. */
  readonly token: Uint8Array
}

/** What sort of code: how it begins, what it is called, and the error for what is none. */
export interface CodeKind {
  readonly prefix: string
  readonly what: string
  readonly error: 'SECURITY_INVITE' | 'SECURITY_DEVICE_CODE'
}

const CHECKSUM_BYTES = 4
const MAX_ADDRESS_CHARS = 160

const codeSchema = z.strictObject({
  circle: textUpTo(64),
  key: bytesOf(32).nullable(),
  addresses: z.array(textUpTo(MAX_ADDRESS_CHARS)).max(inviteFormat.maxAddresses),
  vault: vaultField,
  token: bytesOf(inviteFormat.tokenBytes),
})

/** prefix ‖ base64url(CBOR ‖ first 4 bytes of its SHA-256). */
export function encodeCode(kind: CodeKind, code: CircleCode): string {
  const addresses = code.addresses
    .filter((address) => address.length <= MAX_ADDRESS_CHARS)
    .slice(0, inviteFormat.maxAddresses)
  const { circle, vault, token, key } = code
  const body = encode({ circle, key: key ?? null, addresses, vault, token })
  return kind.prefix + toBase64Url(concat(body, checksum(body)))
}

/** Throws the kind's error for anything that is not exactly a code. White space around it is forgiven. */
export function decodeCode(kind: CodeKind, code: string): CircleCode {
  const text = code.trim()
  if (text.length > inviteFormat.maxCodeChars || !text.startsWith(kind.prefix))
    throw bad(kind, `it is not ${kind.what}`)
  let bytes: Uint8Array
  try {
    bytes = fromBase64Url(text.slice(kind.prefix.length))
  } catch (error) {
    throw bad(kind, 'it was not copied completely', error)
  }
  const body = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_BYTES))
  if (!equal(checksum(body), bytes.subarray(body.length))) throw bad(kind, 'it was not copied completely')
  try {
    const { key, ...rest } = decodeAs(codeSchema, body, { what: kind.what, maxBytes: inviteFormat.maxCodeChars })
    return key === null ? rest : { ...rest, key }
  } catch (error) {
    throw bad(kind, 'it is of another version', error)
  }
}

/** The peer a code leads to, and where it may be met: all its addresses are of one. */
export function codeHost(kind: CodeKind, code: CircleCode): { peer: PeerKey; addresses: string[] } {
  const peer = code.addresses.map((address) => peerOfAddress(address)).find((id) => id !== undefined)
  if (peer === undefined) throw bad(kind, 'it names no peer')
  const own = code.addresses.filter((address) => peerOfAddress(address) === peer)
  return { peer: peerKey(peer), addresses: own.map(withoutPeer) }
}

function checksum(body: Uint8Array): Uint8Array {
  return sha256(body).subarray(0, CHECKSUM_BYTES)
}

function bad({ error }: CodeKind, reason: string, cause?: unknown): PlexiError {
  return new PlexiError(error, { reason }, { cause })
}
