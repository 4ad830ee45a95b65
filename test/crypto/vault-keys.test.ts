import t from 'tap'
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { pbkdf2Sync } from 'node:crypto'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import { systemRandom } from '../../src/daemon/system/random.ts'
import { newPhrase, normalisePhrase, phraseSeed } from '../../src/crypto/phrase.ts'
import { deriveVault, vaultLabels, type VaultLabel } from '../../src/crypto/vault-keys.ts'

const words = `${'abandon '.repeat(23)}art`

t.test('the phrase is the random bytes as BIP39 words', (t) => {
  const entropy: Uint8Array[] = []
  const phrase = newPhrase({
    below: () => 0,
    bytes: (n) => {
      const bytes = new Uint8Array(n)
      entropy.push(bytes)
      return bytes
    },
  })
  t.equal(phrase, words)
  t.equal(entropy[0]?.length, 32)
  t.not(newPhrase(systemRandom), newPhrase(systemRandom))
  t.end()
})

t.test('normalising: spaces, line ends and capitals do not matter', (t) => {
  t.equal(normalisePhrase(`  Abandon\n${'ABANDON\t '.repeat(22)}  art \r\n`), words)
  t.end()
})

t.test('wrong phrases are refused without naming a word', (t) => {
  const bad: [string, RegExp][] = [
    ['', /0 words/],
    ['abandon '.repeat(12), /12 words/],
    [`${words} art`, /25 words/],
    [words.replace('art', 'zoo'), /checksum/],
    [`${'abandon '.repeat(22)}hunter2 art`, /word 23 is not/],
  ]
  for (const [text, reason] of bad) {
    const error = t.throws(() => normalisePhrase(text)) as unknown as { code: string; message: string }
    t.match(error, { code: 'AUTH_PHRASE_INVALID', details: { reason } })
    t.notMatch(error.message, /hunter2|zoo/)
    t.throws(() => deriveVault(text), { code: 'AUTH_PHRASE_INVALID' })
  }
  t.end()
})

t.test('the seed is BIP39 (its published vector has the passphrase TREZOR; ours has none)', (t) => {
  t.same(Buffer.from(phraseSeed(words)), pbkdf2Sync(words, 'mnemonic', 2048, 64, 'sha512'))
  t.equal(
    toHex(phraseSeed(words)),
    '408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf705489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840',
  )
  t.end()
})

t.test('every key is HKDF of the seed under its label', (t) => {
  const secrets = deriveVault(words)
  const expected = (label: VaultLabel): Buffer =>
    Buffer.from(nobleHkdf(nobleSha256, phraseSeed(words), utf8('plexichat/v1'), utf8(label), vaultLabels[label]))
  t.same(Buffer.from(secrets.kem), expected('kem'))
  t.same(Buffer.from(secrets.wrap), expected('wrap'))
  t.same(Buffer.from(secrets.shared.idMac), expected('id-mac'))
  t.same(Buffer.from(secrets.shared.chunker), expected('chunker'))
  t.same(Buffer.from(secrets.shared.rendezvous), expected('rendezvous'))
  t.same(Buffer.from(secrets.shared.authority), expected('authority'))
  t.same(Buffer.from(secrets.shared.history), expected('history'))
  t.same(deriveVault(words).vault, secrets.vault)
  t.equal(secrets.kemPublic.length, 1216)
  t.end()
})

t.test('no two keys are alike', (t) => {
  const { kem, wrap, shared, vault } = deriveVault(words)
  const all = [kem.subarray(0, 32), kem.subarray(32, 64), kem.subarray(64), wrap, vault, ...Object.values(shared)]
  t.equal(new Set(all.map(toHex)).size, all.length)
  t.end()
})

t.test('wiping takes what no device keeps and leaves what it does', (t) => {
  const secrets = deriveVault(words)
  secrets.wipe()
  t.ok(secrets.kem.every((byte) => byte === 0))
  t.ok(secrets.wrap.every((byte) => byte === 0))
  t.same(secrets.shared, deriveVault(words).shared)
  t.end()
})
