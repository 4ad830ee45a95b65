/** Vectors of docs/spec/01-keys.md § Device code. */
import { x25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { deviceDh, deviceDhSecret } from './keys-sealing.ts'
import { certificateOfDevice, deviceSeed } from './keys-signing.ts'
import { box, flipped, keyOf, keys, publicKey, seed, stream } from './make.ts'
import { concat, hex, open, utf8 } from './open.ts'
import type { Json, Vector } from './vector.ts'

const spec = '01§Device code'
const secret = stream('device code', 16)
const host = open.peerIdOf(publicKey(seed('host of the code')))
const peer = open.peerIdOf(publicKey(deviceSeed))
const name = 'nas'
const request = open.encode([host, peer, deviceDh, name])
const parties = { secret: hex(secret), vault: hex(keys.vault), host, peer, name }

export function deviceCodeVectors(): Vector[] {
  return [proof(), ...welcomes()]
}

function proof(): Vector {
  const key = hkdf(sha256, secret, undefined, utf8('device-proof'), 32)
  return {
    name: 'device code id and proof',
    spec,
    input: { kind: 'device-proof', ...parties, dh: hex(deviceDh) },
    expect: {
      id: hex(hkdf(sha256, secret, undefined, utf8('device-code-id'), 8)),
      proof: hex(hmac(sha256, key, request)),
    },
    why: 'both come from the secret alone; the proof is for this request',
  }
}

/** ephemeral(32) ‖ box with label `welcome`, aad = ephemeral ‖ vault ‖ request. */
function welcome(content: object): Uint8Array {
  const ephemeralSecret = seed('welcome ephemeral')
  const ephemeral = x25519.getPublicKey(ephemeralSecret)
  const both = concat(x25519.getSharedSecret(ephemeralSecret, deviceDh), secret)
  const key = hkdf(sha256, both, concat(ephemeral, deviceDh), utf8('device-welcome'), 32)
  const aad = concat(ephemeral, keys.vault, request)
  const parts = { label: 'welcome', salt: seed('welcome salt'), plaintext: open.encode(content), aad }
  return concat(ephemeral, box(key, parts))
}

function welcomes(): Vector[] {
  const [idMac, chunker, rendezvous, authority] = ['id-mac', 'chunker', 'rendezvous', 'authority'].map(keyOf)
  const shared = { idMac, chunker, rendezvous, authority }
  const content = {
    v: 1,
    name: 'NAS',
    certificate: certificateOfDevice,
    shared,
    kemPublic: stream('a hybrid key', 1216),
  }
  const sealed = welcome(content)
  const input = { kind: 'welcome', ...parties, dhSecret: hex(deviceDhSecret), welcome: hex(sealed) }
  const bad = (what: string, change: Readonly<Record<string, Json>>, [error, why]: [string, string]): Vector => {
    return { name: `welcome ${what}`, spec, input: { ...input, ...change }, expect: { error }, why }
  }
  const sealedOtherwise = (change: object) => ({ welcome: hex(welcome({ ...content, ...change })) })
  return [
    {
      name: 'welcome of a write-only device',
      spec,
      input,
      expect: { name: 'NAS', certificate: hex(certificateOfDevice), history: false },
      why: 'the device opens it',
    },
    {
      name: 'welcome of a full device',
      spec,
      input: { ...input, ...sealedOtherwise({ shared: { ...shared, history: keyOf('history') } }) },
      expect: { name: 'NAS', certificate: hex(certificateOfDevice), history: true },
      why: 'the archive key comes with it',
    },
    bad('with another code', { secret: hex(stream('another code', 16)) }, [
      'SECURITY_SEALED',
      'the code is in the key',
    ]),
    bad('for another device', { dhSecret: hex(seed('another device')) }, ['SECURITY_SEALED', 'another shared secret']),
    bad('of another peer', { peer: host }, ['SECURITY_SEALED', 'the request is bound']),
    bad('from another peer', { host: peer }, ['SECURITY_SEALED', 'the request is bound']),
    bad('of another vault', { vault: hex(seed('other')) }, ['SECURITY_SEALED', 'the vault is bound']),
    bad('with changed box', { welcome: hex(flipped(sealed, -1)) }, ['SECURITY_SEALED', 'the tag covers it']),
    bad('cut short', { welcome: hex(sealed.subarray(0, 31)) }, ['SECURITY_SEALED', 'shorter than any']),
    bad('with extra field', sealedOtherwise({ extra: 1 }), ['VALIDATION_DECODE', 'fields are exact']),
  ]
}
