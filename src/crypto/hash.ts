/** SHA-256, HMAC and HKDF over node:crypto. Spec: docs/spec/01-keys.md § Derivation */
import { createHash, createHmac, createSecretKey, hash, hkdfSync, type KeyObject } from 'node:crypto'

/** SHA-256 of `parts` one after the other, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0]
  if (parts.length === 1 && only !== undefined) return hash('sha256', only, 'buffer')
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return state.digest()
}

/** A key of HMAC: as it is, or prepared. */
export type MacKey = Uint8Array | KeyObject

/** For keys that are used often: what the bytes are is not asked anew each time, which costs more than a small chunk. */
export function prepareMacKey(key: Uint8Array): MacKey {
  return createSecretKey(key)
}

/** HMAC-SHA-256, 32 bytes. */
export function hmac(key: MacKey, data: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(data).digest()
}

/** HKDF-SHA-256 (RFC 5869), extract and expand. `info` as text is UTF-8; no salt means an empty one. */
export function hkdf(
  secret: Uint8Array,
  parts: { salt?: Uint8Array; info: string | Uint8Array; bytes: number },
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, parts.salt ?? new Uint8Array(0), parts.info, parts.bytes))
}
