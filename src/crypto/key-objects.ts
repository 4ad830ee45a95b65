/**
 * Raw keys as node:crypto's key objects. Its DER headers are fixed for these types, and raw import is younger than
 * the oldest runtime we accept. Secrets are wiped from the temporary DER.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { concat, wipe } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'

export type KeyType = 'ed25519' | 'x25519' | 'ml-kem-768'

interface Der {
  readonly spki: Uint8Array
  readonly publicBytes: number
  readonly pkcs8: Uint8Array
  readonly secretBytes: number
}

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex')

/** RFC 8410 for the curves; RFC 9935 for ML-KEM, whose private key is the seed `d‖z`. */
const headers: Readonly<Record<KeyType, Der>> = {
  ed25519: {
    spki: hex('302a300506032b6570032100'),
    publicBytes: 32,
    pkcs8: hex('302e020100300506032b657004220420'),
    secretBytes: 32,
  },
  x25519: {
    spki: hex('302a300506032b656e032100'),
    publicBytes: 32,
    pkcs8: hex('302e020100300506032b656e04220420'),
    secretBytes: 32,
  },
  'ml-kem-768': {
    spki: hex('308204b2300b0609608648016503040402038204a100'),
    publicBytes: 1184,
    pkcs8: hex('3054020100300b060960864801650304040204428040'),
    secretBytes: 64,
  },
}

/** Throws `VALIDATION_FORMAT` when the bytes are no such key. */
export function publicKeyObject(type: KeyType, bytes: Uint8Array): KeyObject {
  const { spki, publicBytes } = headers[type]
  if (bytes.length !== publicBytes) throw wrongKey(type)
  try {
    return createPublicKey({ key: concat(spki, bytes) as Buffer, format: 'der', type: 'spki' })
  } catch (cause) {
    throw wrongKey(type, cause)
  }
}

/** Throws `VALIDATION_FORMAT` when the bytes are no such secret. */
export function privateKeyObject(type: KeyType, secret: Uint8Array): KeyObject {
  const { pkcs8, secretBytes } = headers[type]
  if (secret.length !== secretBytes) throw wrongKey(type)
  const der = concat(pkcs8, secret) as Buffer
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } catch (cause) {
    throw wrongKey(type, cause)
  } finally {
    wipe(der)
  }
}

/** The raw public half of a private (or public) key object. */
export function rawPublicKey(type: KeyType, key: KeyObject): Uint8Array {
  const half = key.type === 'private' ? createPublicKey(key) : key
  const der = half.export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(der.length - headers[type].publicBytes))
}

function wrongKey(type: KeyType, cause?: unknown): PlexiError {
  return new PlexiError('VALIDATION_FORMAT', { expected: `a key of type ${type}` }, { cause })
}
