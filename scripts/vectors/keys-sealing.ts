/** Vectors of docs/spec/01-keys.md § Sealing, § Hybrid wrap, § Device wrap, § Keystore. */
import { x25519 } from '@noble/curves/ed25519.js'
import { argon2id } from '@noble/hashes/argon2.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { sha3_256 } from '@noble/hashes/sha3.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { certificateOfDevice, deviceAad, deviceSeed, deviceSerial } from './keys-signing.ts'
import { box, envelope, flipped, keyOf, keys, seed, stream, u32, u64, vaultSeed } from './make.ts'
import { concat, hex, open, unhex, utf8 } from './open.ts'
import { failing, type Json, type Vector } from './vector.ts'

export function sealingVectors(): Vector[] {
  return [...[1, 2].flatMap(boxVectors), ...hybridVectors(), ...deviceWrapVectors(), ...keystoreVectors()]
}

function boxVectors(suite: number): Vector[] {
  const spec = '01§Sealing'
  const secret = seed('box secret')
  const plaintext = utf8('nobody else can read this')
  const aad = utf8('where it belongs')
  const sealed = box(secret, { label: 'test', salt: seed('box salt'), suite, plaintext, aad })
  const input = { kind: 'box', secret: hex(secret), label: 'test', aad: hex(aad), box: hex(sealed) }
  const bad = (name: string, change: Readonly<Record<string, string>>, why: string): Vector => {
    const changed = { ...input, ...change }
    const attempt = () =>
      open.openBox(unhex(changed.secret), { label: changed.label, box: unhex(changed.box), aad: unhex(changed.aad) })
    return failing(
      { name: `box of suite ${suite} ${name}`, spec, input: changed, error: 'SECURITY_SEALED', why },
      attempt,
    )
  }
  return [
    {
      name: `box of suite ${suite}`,
      spec,
      input: { ...input, salt: hex(seed('box salt')), suite },
      expect: { plaintext: hex(plaintext) },
      why: 'it opens, and sealing with that salt makes it',
    },
    bad('under another key', { secret: hex(seed('other')) }, 'the commitment differs'),
    bad('with another label', { label: 'text' }, 'the label is part of the key'),
    bad('with another aad', { aad: hex(utf8('elsewhere')) }, 'it was moved'),
    bad('without aad', { aad: '' }, 'it was moved'),
    bad('with changed commitment', { box: hex(flipped(sealed, 40)) }, 'the commitment is checked first'),
    bad('with changed salt', { box: hex(flipped(sealed, 5)) }, 'another salt is another key'),
    bad('with changed ciphertext', { box: hex(flipped(sealed, 70)) }, 'the tag covers it'),
    bad('with changed tag', { box: hex(flipped(sealed, -1)) }, 'the tag is whole'),
    bad('with unknown suite', { box: hex(concat(Uint8Array.of(3), sealed.subarray(1))) }, 'unknown suites fail closed'),
    bad(
      'with the other suite',
      { box: hex(concat(Uint8Array.of(3 - suite), sealed.subarray(1))) },
      'the suite is bound',
    ),
    bad('cut short', { box: hex(sealed.subarray(0, 80)) }, 'shorter than any box'),
    bad('with a byte more', { box: `${hex(sealed)}00` }, 'the tag stands at the end'),
  ]
}

/** X-Wing's combiner over ML-KEM-768 and X25519 with the two key pairs of the label `kem`. */
function hybridWrap(epochKey: Uint8Array, aad: Uint8Array): { publicKey: Uint8Array; wrapped: Uint8Array } {
  const secret = keyOf('kem')
  const kem = ml_kem768.keygen(secret.slice(0, 64))
  const dhPublic = x25519.getPublicKey(secret.slice(64))
  const ephemeralSecret = seed('hybrid ephemeral')
  const ephemeral = x25519.getPublicKey(ephemeralSecret)
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(kem.publicKey, seed('hybrid coins'))
  const dh = x25519.getSharedSecret(ephemeralSecret, dhPublic)
  const shared = sha3_256(concat(sharedSecret, dh, ephemeral, dhPublic, unhex('5c2e2f2f5e5c')))
  const header = concat(Uint8Array.of(1), cipherText, ephemeral)
  const parts = { label: 'hybrid', salt: seed('hybrid salt'), plaintext: epochKey, aad: concat(header, aad) }
  return { publicKey: concat(kem.publicKey, dhPublic), wrapped: concat(header, box(shared, parts)) }
}

export const hybridOf = (epochKey: Uint8Array, epoch: number): Uint8Array =>
  hybridWrap(epochKey, deviceAad(epoch)).wrapped

function hybridVectors(): Vector[] {
  const epochKey = seed('epoch 1')
  const { publicKey, wrapped } = hybridWrap(epochKey, deviceAad(1))
  const input = { kind: 'hybrid', secret: hex(keyOf('kem')), aad: hex(deviceAad(1)), wrap: hex(wrapped) }
  const bad = (name: string, change: Readonly<Record<string, string>>, why: string): Vector => ({
    name: `hybrid wrap ${name}`,
    spec: '01§Hybrid wrap',
    input: { ...input, ...change },
    expect: { error: 'SECURITY_SEALED' },
    why,
  })
  const smallOrder = concat(wrapped.subarray(0, 1089), new Uint8Array(32), wrapped.subarray(1121))
  return [
    {
      name: 'hybrid wrap',
      spec: '01§Hybrid wrap',
      input,
      expect: { publicKey: hex(publicKey), plaintext: hex(epochKey) },
      why: 'it opens, and the public key follows from the secret',
    },
    bad('of another kind', { wrap: hex(concat(Uint8Array.of(2), wrapped.subarray(1))) }, 'unknown kinds fail closed'),
    bad(
      'with changed ML-KEM ciphertext',
      { wrap: hex(flipped(wrapped, 500)) },
      'implicit rejection gives another secret',
    ),
    bad('with changed ephemeral key', { wrap: hex(flipped(wrapped, 1100)) }, 'another shared secret'),
    bad('with ephemeral key of small order', { wrap: hex(smallOrder) }, 'an all-zero shared secret is refused'),
    bad('of another epoch', { aad: hex(deviceAad(2)) }, 'the place is bound'),
    bad('under another secret', { secret: hex(stream('another kem', 96)) }, 'not for this vault'),
    bad('cut short', { wrap: hex(wrapped.subarray(0, 1120)) }, 'shorter than its header'),
  ]
}

/** ephemeral(32) ‖ box with label `device`, aad = ephemeral ‖ vault ‖ u32(epoch) ‖ u64(serial). */
export function deviceWrap(epochKey: Uint8Array, to: { dh: Uint8Array; epoch: number; serial: number }): Uint8Array {
  const secret = seed('device wrap ephemeral')
  const ephemeral = x25519.getPublicKey(secret)
  const shared = hkdf(sha256, x25519.getSharedSecret(secret, to.dh), concat(ephemeral, to.dh), utf8('device-wrap'), 32)
  const aad = concat(ephemeral, deviceAad(to.epoch), u64(to.serial))
  return concat(ephemeral, box(shared, { label: 'device', salt: seed('device wrap salt'), plaintext: epochKey, aad }))
}

export const deviceDhSecret = seed('device dh secret')
export const deviceDh = x25519.getPublicKey(deviceDhSecret)

function deviceWrapVectors(): Vector[] {
  const epochKey = seed('epoch 1')
  const wrap = deviceWrap(epochKey, { dh: deviceDh, epoch: 1, serial: deviceSerial })
  const input = {
    kind: 'device-wrap',
    dhSecret: hex(deviceDhSecret),
    vault: hex(keys.vault),
    epoch: 1,
    serial: deviceSerial,
    wrap: hex(wrap),
  }
  const bad = (name: string, change: Readonly<Record<string, Json>>, why: string): Vector => ({
    name: `device wrap ${name}`,
    spec: '01§Device wrap',
    input: { ...input, ...change },
    expect: { error: 'SECURITY_SEALED' },
    why,
  })
  return [
    {
      name: 'device wrap',
      spec: '01§Device wrap',
      input,
      expect: { plaintext: hex(epochKey) },
      why: 'the device opens it',
    },
    bad('for another device', { dhSecret: hex(seed('another device')) }, 'another shared secret'),
    bad('of another epoch', { epoch: 2 }, 'the place is bound'),
    bad('of another serial', { serial: 7 }, 'the place is bound'),
    bad('with changed ephemeral key', { wrap: hex(flipped(wrap, 3)) }, 'another shared secret'),
    bad('with changed box', { wrap: hex(flipped(wrap, -1)) }, 'the tag covers it'),
  ]
}

const keystore = {
  v: 1,
  name: 'laptop',
  vault: keys.vault,
  peerSeed: deviceSeed,
  dhSecret: deviceDhSecret,
  certificate: certificateOfDevice,
  shared: {
    idMac: keyOf('id-mac'),
    chunker: keyOf('chunker'),
    rendezvous: keyOf('rendezvous'),
    authority: keyOf('authority'),
    history: keyOf('history'),
  },
  epochs: [[1, seed('epoch 1')]],
  authority: stream('an authority object', 200),
  terms: envelope(
    vaultSeed,
    'terms',
    open.encode({ v: 1, vault: keys.vault, version: 1, floorDays: 7, revokedSerials: [] }),
  ),
  kemPublic: stream('a hybrid public key', 1216),
}

interface Lock {
  readonly kind: 1 | 2
  readonly cost: readonly [number, number, number]
}

function keystoreFile(content: object, secret: Uint8Array, { kind, cost }: Lock): Uint8Array {
  const salt = kind === 1 ? stream('argon salt', 16) : new Uint8Array(16)
  const header = concat(utf8('PXK1'), Uint8Array.of(kind, 0, 0, 0), ...cost.map(u32), salt)
  const parts = { label: 'keystore', salt: seed('keystore salt'), plaintext: open.encode(content), aad: header }
  return concat(header, box(secret, parts))
}

function keystoreVectors(): Vector[] {
  const key = seed('key file')
  const lock: Lock = { kind: 2, cost: [0, 0, 0] }
  const file = keystoreFile(keystore, key, lock)
  const input = { kind: 'keystore', lock: 'key', secret: hex(key), bytes: hex(file) }
  const bad = (name: string, change: Readonly<Record<string, string>>, [error, why]: [string, string]): Vector => ({
    name: `keystore ${name}`,
    spec: '01§Keystore',
    input: { ...input, ...change },
    expect: { error },
    why,
  })
  const contents = (change: object) => ({ bytes: hex(keystoreFile({ ...keystore, ...change }, key, lock)) })
  return [
    { name: 'keystore under a key file', spec: '01§Keystore', input, expect: keystoreExpect(), why: 'it opens' },
    passphraseVector(),
    bad('under another key', { secret: hex(seed('other')) }, ['AUTH_PASSPHRASE_WRONG', 'the commitment differs']),
    bad('with changed tag', { bytes: hex(flipped(file, -1)) }, [
      'SECURITY_SEALED',
      'the key is right, the content is not',
    ]),
    bad('with wrong magic', { bytes: hex(flipped(file, 0)) }, ['VALIDATION_DECODE', 'not a keystore']),
    bad('with unknown lock', { bytes: hex(flipped(file, 4, 1)) }, ['VALIDATION_DECODE', 'lock 3 is unknown']),
    bad('with reserved byte set', { bytes: hex(flipped(file, 6)) }, ['VALIDATION_DECODE', 'reserved bytes are 0']),
    bad('version 2', contents({ v: 2 }), ['VALIDATION_DECODE', 'unknown versions fail closed']),
    bad('without epochs', contents({ epochs: [] }), ['VALIDATION_DECODE', 'at least one epoch key']),
    bad('with extra field', contents({ extra: 0 }), ['VALIDATION_DECODE', 'fields are exact']),
    weak('with weak Argon2 memory', [8, 3, 4]),
    weak('with one Argon2 pass', [65_536, 1, 4]),
    weak('with endless Argon2 passes', [65_536, 17, 4]),
    weak('with huge Argon2 memory', [1_048_577, 3, 4]),
  ]
}

function passphraseVector(): Vector {
  const passphrase = utf8('correct horse battery staple')
  const cost: Lock['cost'] = [19_456, 2, 1]
  const secret = argon2id(passphrase, stream('argon salt', 16), { m: cost[0], t: cost[1], p: cost[2], dkLen: 32 })
  const bytes = hex(keystoreFile(keystore, secret, { kind: 1, cost }))
  return {
    name: 'keystore under a passphrase',
    spec: '01§Keystore',
    input: { kind: 'keystore', lock: 'passphrase', secret: hex(passphrase), bytes },
    expect: keystoreExpect(),
    why: 'Argon2id with the least parameters that are accepted',
  }
}

function weak(name: string, cost: Lock['cost']): Vector {
  const bytes = hex(keystoreFile(keystore, seed('unused'), { kind: 1, cost }))
  const input = { kind: 'keystore', lock: 'passphrase', secret: hex(utf8('x')), bytes }
  const why = 'refused before it is computed'
  return { name: `keystore ${name}`, spec: '01§Keystore', input, expect: { error: 'VALIDATION_DECODE' }, why }
}

function keystoreExpect(): Json {
  return {
    name: keystore.name,
    vault: hex(keystore.vault),
    peerSeed: hex(keystore.peerSeed),
    dhSecret: hex(deviceDhSecret),
  }
}
