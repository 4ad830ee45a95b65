/** Vectors of docs/spec/01-keys.md § Signatures, § Certificate, § Terms. */
import { envelope, flipped, keys, publicKey, seed, signature, u32, vaultSeed } from './make.ts'
import { concat, hex, open, unhex, utf8 } from './open.ts'
import { failing, type Json, type Vector } from './vector.ts'

export function signingVectors(): Vector[] {
  return [...envelopeVectors(), ...certificateVectors(), ...termsVectors()]
}

function envelopeVectors(): Vector[] {
  const spec = '01§Signatures'
  const secret = seed('signer')
  const payload = utf8('what is signed')
  const signed = envelope(secret, 'manifest', payload)
  const input = { kind: 'envelope', publicKey: hex(publicKey(secret)), domain: 'manifest', envelope: hex(signed) }
  const bad = (name: string, change: Readonly<Record<string, string>>, [error, why]: [string, string]): Vector => {
    const changed = { ...input, ...change }
    return failing({ name: `envelope ${name}`, spec, input: changed, error, why }, () =>
      open.openEnvelope(unhex(changed.envelope), {
        publicKey: unhex(changed.publicKey),
        domain: changed.domain,
        maxBytes: 1024,
      }),
    )
  }
  const cut = open.encode([payload, signature(secret, 'manifest', payload).subarray(0, 63)])
  return [
    {
      name: 'signature',
      spec,
      input: { kind: 'sign', seed: hex(secret), domain: 'manifest', payload: hex(payload) },
      expect: {
        publicKey: input.publicKey,
        signature: hex(signature(secret, 'manifest', payload)),
        envelope: hex(signed),
      },
      why: 'Ed25519 is deterministic, so the bytes are fixed',
    },
    { name: 'envelope', spec, input, expect: { payload: hex(payload) }, why: 'it opens' },
    bad('of another domain', { domain: 'release' }, ['SECURITY_SIGNATURE', 'the domain is signed too']),
    bad('of another key', { publicKey: hex(publicKey(seed('other'))) }, ['SECURITY_SIGNATURE', 'somebody else signed']),
    bad('with changed payload', { envelope: hex(flipped(signed, 3)) }, ['SECURITY_SIGNATURE', 'the payload is signed']),
    bad('with changed signature', { envelope: hex(flipped(signed, -1)) }, ['SECURITY_SIGNATURE', 'one bit']),
    bad('with short signature', { envelope: hex(cut) }, ['VALIDATION_DECODE', 'a signature is 64 bytes']),
    bad('with trailing byte', { envelope: `${hex(signed)}00` }, ['VALIDATION_DECODE', 'one item and no more']),
    bad('of three', { envelope: hex(open.encode([payload, signature(secret, 'manifest', payload), 0])) }, [
      'VALIDATION_DECODE',
      'an array of two',
    ]),
  ]
}

const device = seed('device')
const certificate = {
  v: 1,
  vault: keys.vault,
  peer: open.peerIdOf(publicKey(device)),
  dh: seed('device dh'),
  grants: ['store', 'fetch', 'release', 'head', 'chat'],
  serial: 0x123456789abc,
  notAfter: 2_100_000_000_000,
}

function certificateVectors(): Vector[] {
  const spec = '01§Certificate'
  const bytes = envelope(vaultSeed, 'certificate', open.encode(certificate))
  const expect = { ...certificate, vault: hex(certificate.vault), dh: hex(certificate.dh) }
  const bad = (name: string, change: Readonly<Record<string, unknown>>, why: string): Vector => {
    const signed = envelope(vaultSeed, 'certificate', open.encode({ ...certificate, ...change }))
    return refused('certificate', `certificate ${name}`, { spec, bytes: signed, error: 'AUTH_CERTIFICATE', why })
  }
  const forged = envelope(seed('stranger'), 'certificate', open.encode(certificate))
  return [
    { name: 'certificate', spec, input: { kind: 'certificate', bytes: hex(bytes) }, expect, why: 'it opens' },
    refused('certificate', 'certificate by a stranger', {
      spec,
      bytes: forged,
      error: 'AUTH_CERTIFICATE',
      why: 'the vault named inside did not sign it',
    }),
    bad('version 2', { v: 2 }, 'unknown versions fail closed'),
    bad('without grants', { grants: [] }, 'it would be good for nothing'),
    bad('with grants out of order', { grants: ['fetch', 'store'] }, 'there is one order'),
    bad('with a grant twice', { grants: ['store', 'store'] }, 'there is one order'),
    bad('with unknown grant', { grants: ['store', 'admin'] }, 'grants are a closed list'),
    bad('with serial 0', { serial: 0 }, 'serials start at 1'),
    bad('with serial of 49 bits', { serial: 2 ** 48 }, 'serials have 48 bits'),
    bad('with short dh', { dh: new Uint8Array(31) }, 'an X25519 key is 32 bytes'),
    bad('with peer that is none', { peer: 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG' }, 'only Ed25519 peer ids'),
    bad('with extra field', { extra: 1 }, 'fields are exact'),
  ]
}

function termsVectors(): Vector[] {
  const spec = '01§Terms'
  const terms = { v: 1, vault: keys.vault, version: 3, floorDays: 14, revokedSerials: [5, 9, 0x123456789abc] }
  const signed = (change: Readonly<Record<string, unknown>> = {}) =>
    envelope(vaultSeed, 'terms', open.encode({ ...terms, ...change }))
  const bad = (name: string, bytes: Uint8Array, [error, why]: [string, string]): Vector => {
    return refused('terms', `terms ${name}`, { spec, bytes, error, why })
  }
  return [
    {
      name: 'terms',
      spec,
      input: { kind: 'terms', bytes: hex(signed()), vault: hex(keys.vault) },
      expect: { version: 3, floorDays: 14, revokedSerials: terms.revokedSerials },
      why: 'they open',
    },
    bad('by a stranger', envelope(seed('stranger'), 'terms', open.encode(terms)), [
      'SECURITY_SIGNATURE',
      'not signed by the vault',
    ]),
    bad('signed as certificate', envelope(vaultSeed, 'certificate', open.encode(terms)), [
      'SECURITY_SIGNATURE',
      'domains are apart',
    ]),
    bad('with floor of 6 days', signed({ floorDays: 6 }), ['VALIDATION_DECODE', 'no vault may go below 7']),
    bad('with floor of 3651 days', signed({ floorDays: 3651 }), ['VALIDATION_DECODE', 'at most ten years']),
    bad('version 0', signed({ version: 0 }), ['VALIDATION_DECODE', 'versions start at 1']),
    bad('with serials out of order', signed({ revokedSerials: [9, 5] }), ['VALIDATION_DECODE', 'there is one order']),
    bad('with a serial twice', signed({ revokedSerials: [5, 5] }), ['VALIDATION_DECODE', 'there is one order']),
    bad('with fraction-like floor', signed({ floorDays: '14' }), ['VALIDATION_DECODE', 'numbers are numbers']),
  ]
}

/** Objects the reader has no parser for are refused by rules of the page alone; only signatures are confirmed here. */
function refused(
  kind: 'certificate' | 'terms',
  name: string,
  { spec, bytes, error, why }: { spec: string; bytes: Uint8Array; error: string; why: string },
): Vector {
  const input: Vector['input'] = { kind, bytes: hex(bytes), ...(kind === 'terms' ? { vault: hex(keys.vault) } : {}) }
  if (error !== 'SECURITY_SIGNATURE') return { name, spec, input, expect: { error } satisfies Json, why }
  return failing({ name, spec, input, error, why }, () =>
    open.openEnvelope(bytes, { publicKey: keys.vault, domain: kind, maxBytes: 16_384 }),
  )
}

/** For other pages: a certificate of that device. */
export const certificateOfDevice = envelope(vaultSeed, 'certificate', open.encode(certificate))
export const deviceSeed = device
export const deviceSerial = certificate.serial
export const deviceAad = (epoch: number): Uint8Array => concat(keys.vault, u32(epoch))
