/** The room against vectors that an independent implementation made from docs/spec/01-keys.md. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { isPlexiError } from '../../src/base/errors.ts'
import { authorityHash, epochKeysForVault, openAuthority } from '../../src/crypto/authority.ts'
import { openCertificate } from '../../src/crypto/certificate.ts'
import { decode, encode, type Plain } from '../../src/crypto/codec.ts'
import { deviceUnwrapEpoch } from '../../src/crypto/epoch-wrap.ts'
import { hybridOpen, hybridPublicKey, type HybridSecret } from '../../src/crypto/hybrid.ts'
import { vaultId } from '../../src/crypto/ids.ts'
import { openKeystore } from '../../src/crypto/keystore-format.ts'
import { leafHash, merkleProof, merkleRoot, verifyMerkleProof } from '../../src/crypto/merkle.ts'
import { openBox, sealBox, type Suite } from '../../src/crypto/seal.ts'
import { openEnvelope, signEnvelope, signingKey, type SignDomain } from '../../src/crypto/signature.ts'
import { openTerms } from '../../src/crypto/terms.ts'
import { deriveVault } from '../../src/crypto/vault-keys.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Fields = { readonly [key: string]: Json }

interface Vector {
  readonly name: string
  readonly input: Fields
  readonly expect: Json
}

const path = new URL('../vectors/01-keys.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as readonly Vector[]
const main = vectors.find((vector) => vector.name === 'phrase')

const text = (input: Fields, name: string): string => input[name] as string
const bytes = (input: Fields, name: string): Uint8Array => fromHex(text(input, name))
const list = (input: Fields, name: string): Uint8Array[] => (input[name] as readonly string[]).map(fromHex)
const vaultOf = (input: Fields) => vaultId(bytes(input, 'vault'))

/** Bytes as hex, whatever holds them; to compare with a vector's fields. */
function shown(value: unknown): Json {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]))
}

/** As the vectors write CBOR values: `{ bytes }` and `{ integer }` keep types apart. */
function typed(value: Plain): Json {
  if (value instanceof Uint8Array) return { bytes: toHex(value) }
  if (typeof value === 'bigint') return { integer: String(value) }
  if (Array.isArray(value)) return value.map(typed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typed(item)]))
}

/** What `src/crypto` makes of an input; errors are thrown. */
const kinds: Readonly<Record<string, (input: Fields) => Json>> = {
  cbor: (input) => {
    const value = decode(bytes(input, 'cbor'), { what: 'a vector', maxBytes: 4096 })
    t.equal(toHex(encode(value)), text(input, 'cbor'))
    return { value: typed(value) }
  },
  phrase: (input) => {
    const { vault, kem, wrap, shared } = deriveVault(text(input, 'phrase'))
    const { idMac, chunker, rendezvous, authority, history } = shared
    return shown({ vault, kem, wrap, 'id-mac': idMac, chunker, rendezvous, authority, history })
  },
  sign: (input) => {
    const key = signingKey(bytes(input, 'seed'))
    const [domain, payload] = [text(input, 'domain') as SignDomain, bytes(input, 'payload')]
    const envelope = signEnvelope(key, domain, payload)
    return shown({ publicKey: key.publicKey, signature: key.sign(domain, payload), envelope })
  },
  envelope: (input) => {
    const expect = { publicKey: bytes(input, 'publicKey'), domain: text(input, 'domain') as SignDomain }
    return shown({ payload: openEnvelope(bytes(input, 'envelope'), { ...expect, what: 'a vector', maxBytes: 1024 }) })
  },
  certificate: (input) => shown(openCertificate(bytes(input, 'bytes'))),
  terms: (input) => {
    const { version, floorDays, revokedSerials } = openTerms(bytes(input, 'bytes'), vaultOf(input))
    return { version, floorDays, revokedSerials }
  },
  box: (input) => {
    const [secret, label, aad, box] = [
      bytes(input, 'secret'),
      text(input, 'label'),
      bytes(input, 'aad'),
      bytes(input, 'box'),
    ]
    const plaintext = openBox(secret, { label, box, aad, what: 'a vector' })
    const random = { bytes: () => bytes(input, 'salt'), below: () => 0 }
    const again = sealBox(secret, { label, plaintext, aad, random, suite: input['suite'] as Suite })
    t.equal(toHex(again), text(input, 'box'))
    return shown({ plaintext })
  },
  hybrid: (input) => {
    const secret = bytes(input, 'secret') as HybridSecret
    const plaintext = hybridOpen(secret, bytes(input, 'wrap'), { aad: bytes(input, 'aad') })
    return shown({ publicKey: hybridPublicKey(secret), plaintext })
  },
  'device-wrap': (input) => {
    const place = { vault: vaultOf(input), epoch: Number(input['epoch']), serial: Number(input['serial']) }
    return shown({ plaintext: deviceUnwrapEpoch(bytes(input, 'dhSecret'), bytes(input, 'wrap'), place) })
  },
  keystore: (input) => {
    const secret = bytes(input, 'secret')
    const lock = input['lock'] === 'key' ? { key: secret } : { passphrase: secret }
    const { name, vault, peerSeed, dhSecret } = openKeystore(bytes(input, 'bytes'), lock)
    return shown({ name, vault, peerSeed, dhSecret })
  },
  authority: (input) => {
    const secrets = deriveVault(text(main?.input ?? {}, 'phrase'))
    const authority = openAuthority(bytes(input, 'bytes'), { key: secrets.shared.authority, vault: secrets.vault })
    const epochs = epochKeysForVault(secrets, authority).map(({ epoch, key }) => [epoch, key])
    const devices = authority.devices.map(({ name, content }) => ({ name, serial: content.serial }))
    return shown({ version: authority.version, hash: authorityHash(bytes(input, 'bytes')), epochs, devices })
  },
  'merkle-root': (input) => ({ root: toHex(merkleRoot(list(input, 'leaves').map(leafHash))) }),
  'merkle-proof': (input) => {
    const [index, count] = [Number(input['index']), Number(input['count'])]
    const claim = {
      leafHash: bytes(input, 'leafHash'),
      index,
      count,
      path: list(input, 'path'),
      root: bytes(input, 'root'),
    }
    return verifyMerkleProof(claim)
  },
}

/** What is compared of an expectation: the seed of the vault key stays inside the room, its public half is `vault`. */
function expected({ input, expect }: Vector): Json {
  if (input['kind'] !== 'phrase' || typeof expect !== 'object' || expect === null || 'error' in expect) return expect
  const { sign: _sign, ...rest } = expect as Fields
  t.equal(toHex(signingKey(bytes(expect as Fields, 'sign')).publicKey), rest['vault'])
  return rest
}

t.test('every vector', (t) => {
  t.ok(vectors.length > 150, 'the file is whole')
  for (const vector of vectors) {
    const run = kinds[text(vector.input, 'kind')]
    let outcome: Json
    try {
      outcome = run === undefined ? 'unknown kind' : run(vector.input)
    } catch (error) {
      if (!isPlexiError(error)) throw error
      outcome = { error: error.code }
    }
    t.same(outcome, expected(vector), vector.name)
  }
  t.end()
})

t.test('proofs of the vectors are those we would make', (t) => {
  const hashes = Array.from({ length: 7 }, (_, i) => leafHash(Buffer.from(`leaf ${String(i)}`)))
  for (const { name, input } of vectors) {
    const index = /^Merkle proof of leaf (\d+) of 7$/.exec(name)?.[1]
    if (index !== undefined) t.same(merkleProof(hashes, Number(index)).map(toHex), input['path'], name)
  }
  t.end()
})
