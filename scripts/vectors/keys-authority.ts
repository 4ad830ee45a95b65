/** Vectors of docs/spec/01-keys.md § Authority: the sealed, signed record of devices and epoch keys. */
import { deviceDh, deviceWrap, hybridOf } from './keys-sealing.ts'
import { deviceAad, deviceSeed } from './keys-signing.ts'
import { box, envelope, flipped, keyOf, keys, publicKey, seed, vaultSeed } from './make.ts'
import { hex, open } from './open.ts'
import { failing, type Vector } from './vector.ts'

const spec = '01§Authority'
export const epochKey = seed('epoch 1')
const serial = 77

const certificate = envelope(
  vaultSeed,
  'certificate',
  open.encode({
    v: 1,
    vault: keys.vault,
    peer: open.peerIdOf(publicKey(deviceSeed)),
    dh: deviceDh,
    grants: ['store', 'fetch', 'release', 'head', 'chat'],
    serial,
    notAfter: 2_100_000_000_000,
  }),
)

const content = {
  v: 1,
  vault: keys.vault,
  version: 1,
  prev: null,
  params: { suite: 1, shardBytes: 1_048_576, chunkMin: 16_384, chunkAverage: 65_536, chunkMax: 262_144 },
  epochs: [
    {
      epoch: 1,
      time: 1_767_225_600_000,
      wrap: box(keyOf('wrap'), { label: 'wrap', salt: seed('wrap salt'), plaintext: epochKey, aad: deviceAad(1) }),
      hybrid: hybridOf(epochKey, 1),
      devices: [[serial, deviceWrap(epochKey, { dh: deviceDh, epoch: 1, serial })]],
    },
  ],
  devices: [{ name: 'laptop', certificate, time: 1_767_225_600_000 }],
  revoked: [],
}

interface Made {
  readonly change?: Readonly<Record<string, unknown>>
  readonly signer?: Uint8Array
  readonly domain?: string
  readonly aad?: Uint8Array
}

function authority({ change = {}, signer = vaultSeed, domain = 'authority', aad = keys.vault }: Made = {}): Uint8Array {
  const signed = envelope(signer, domain, open.encode({ ...content, ...change }))
  return box(keyOf('authority'), { label: 'authority', salt: seed('authority salt'), plaintext: signed, aad })
}

/** The vault's authority object, for other pages. */
export const authorityBytes = authority()

export function authorityVectors(): Vector[] {
  const bad = (name: string, bytes: Uint8Array, [error, why]: [string, string]): Vector => {
    const input = { kind: 'authority', phrase: 'the vector named phrase', bytes: hex(bytes) }
    return { name: `authority ${name}`, spec, input, expect: { error }, why }
  }
  const confirmed = (name: string, bytes: Uint8Array, [error, why]: [string, string]): Vector => {
    const { name: full, input } = bad(name, bytes, [error, why])
    return failing({ name: full, spec, input, error, why }, () => open.openAuthority(bytes, keys))
  }
  const epoch = content.epochs[0]
  return [
    authorityOpens(),
    confirmed('with changed tag', flipped(authorityBytes, -1), ['SECURITY_SEALED', 'the box covers it']),
    confirmed('of another vault', authority({ aad: seed('other vault') }), ['SECURITY_SEALED', 'the place is bound']),
    confirmed('by a stranger', authority({ signer: seed('stranger') }), ['SECURITY_SIGNATURE', 'not the vault key']),
    confirmed('signed as terms', authority({ domain: 'terms' }), ['SECURITY_SIGNATURE', 'domains are apart']),
    confirmed('with a gap in epochs', authority({ change: { epochs: [{ ...epoch, epoch: 2 }] } }), [
      'VALIDATION_DECODE',
      'epochs count from 1 without gaps',
    ]),
    confirmed('with extra field', authority({ change: { extra: 0 } }), ['VALIDATION_DECODE', 'fields are exact']),
    bad('version 1 with prev', authority({ change: { prev: seed('prev') } }), [
      'VALIDATION_DECODE',
      'nothing precedes it',
    ]),
    bad('version 2 without prev', authority({ change: { version: 2 } }), ['VALIDATION_DECODE', 'the chain is broken']),
    bad('without epochs', authority({ change: { epochs: [] } }), ['VALIDATION_DECODE', 'there is always an epoch']),
    bad('revoking an unknown serial', authority({ change: { revoked: [5] } }), [
      'VALIDATION_DECODE',
      'only listed devices',
    ]),
    bad('wrapping for an unknown device', authority({ change: { devices: [] } }), [
      'VALIDATION_DECODE',
      'only listed devices',
    ]),
    bad('with a device twice', authority({ change: { devices: [...content.devices, ...content.devices] } }), [
      'VALIDATION_DECODE',
      'serials and peers are unique',
    ]),
  ]
}

function authorityOpens(): Vector {
  const keysOfEpochs = open.epochKeys(keys, open.openAuthority(authorityBytes, keys))
  return {
    name: 'authority',
    spec,
    input: { kind: 'authority', phrase: 'the vector named phrase', bytes: hex(authorityBytes) },
    expect: {
      version: 1,
      hash: hex(open.H(authorityBytes)),
      epochs: [...keysOfEpochs].map(([epoch, key]) => [epoch, hex(key)]),
      devices: [{ name: 'laptop', serial }],
    },
    why: 'it opens with the words alone',
  }
}
