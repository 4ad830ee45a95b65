/** Vectors of docs/spec/01-keys.md. */
import { authorityVectors } from './keys-authority.ts'
import { cborVectors } from './keys-cbor.ts'
import { deviceCodeVectors } from './keys-device-code.ts'
import { sealingVectors } from './keys-sealing.ts'
import { signingVectors } from './keys-signing.ts'
import { flipped, keys, seed, stream, words } from './make.ts'
import { hex, open, utf8 } from './open.ts'
import { failing, type Vector } from './vector.ts'

export function keysVectors(): readonly Vector[] {
  return [
    ...cborVectors(),
    ...phraseVectors(),
    ...signingVectors(),
    ...sealingVectors(),
    ...deviceCodeVectors(),
    ...authorityVectors(),
    ...merkleVectors(),
  ]
}

function phraseVectors(): Vector[] {
  const spec = '01§Phrase'
  const expect = Object.fromEntries(Object.entries(keys).map(([label, key]) => [label, hex(key)]))
  const good = (name: string, phrase: string, why: string): Vector => ({
    name,
    spec: '01§Derivation',
    input: { kind: 'phrase', phrase },
    expect,
    why,
  })
  const bad = (name: string, phrase: string, why: string): Vector =>
    failing({ name, spec, input: { kind: 'phrase', phrase }, error: 'AUTH_PHRASE_INVALID', why }, () =>
      open.deriveKeys(phrase),
    )
  const list = words.split(' ')
  return [
    good('phrase', words, 'every key of the label table, and the vault id'),
    good('phrase in capitals', words.toUpperCase(), 'words are typed on paper and phones'),
    good('phrase with odd spaces', `\n ${list.join('  \t')} \n`, 'any white space separates words'),
    bad('phrase of 23 words', list.slice(0, 23).join(' '), 'only 24 words are accepted'),
    bad(
      'phrase of 12 words',
      'legal winner thank year wave sausage worth useful legal winner thank yellow',
      'a valid BIP39 phrase, but of 128 bits',
    ),
    bad('phrase with unknown word', [...list.slice(0, 23), 'titel'].join(' '), 'not in the list'),
    bad('phrase with wrong checksum', [...list.slice(0, 23), 'year'].join(' '), 'the last word carries a checksum'),
    bad('phrase in another order', [...list.slice(1), list[0]].join(' '), 'order matters'),
  ]
}

function merkleVectors(): Vector[] {
  const spec = '01§Merkle tree'
  const counts = [0, 1, 2, 3, 5, 7, 8, 64]
  const leaves = (count: number) => Array.from({ length: count }, (_, i) => utf8(`leaf ${i}`))
  const roots = counts.map((count): Vector => {
    const data = leaves(count)
    return {
      name: `Merkle root of ${count}`,
      spec,
      input: { kind: 'merkle-root', leaves: data.map(hex) },
      expect: { root: hex(open.merkleRoot(data.map((leaf) => open.leafHash(leaf)))) },
      why: 'RFC 6962 tree hash; odd nodes rise without being doubled',
    }
  })
  return [...roots, ...[...proofs(7, [0, 3, 6]), ...proofs(64, [0, 63])]]
}

function proofs(count: number, indices: readonly number[]): Vector[] {
  const hashes = Array.from({ length: count }, (_, i) => open.leafHash(utf8(`leaf ${i}`)))
  const root = hex(open.merkleRoot(hashes))
  const tree = open.merkleTree(hashes)
  return indices.flatMap((index) => {
    const leaf = hashes[index] ?? seed('none')
    const path = tree.getProof(Buffer.from(leaf), index).map((step) => hex(step.data))
    const claim = { kind: 'merkle-proof', leafHash: hex(leaf), index, count, path, root }
    const vector = (name: string, input: Vector['input'], [expect, why]: [boolean, string]): Vector => ({
      name: `Merkle proof of leaf ${index} of ${count}${name}`,
      spec: '01§Merkle tree',
      input,
      expect,
      why,
    })
    return [
      vector('', claim, [true, 'the audit path leads to the root']),
      vector(', other leaf', { ...claim, leafHash: hex(flipped(leaf, 0)) }, [false, 'another leaf']),
      vector(', count + 1', { ...claim, count: 2 * count }, [false, 'the count is part of the claim']),
      vector(', index beyond', { ...claim, index: count }, [false, 'no such leaf']),
      vector(', longer path', { ...claim, path: [...path, hex(stream('more', 32))] }, [false, 'one hash too many']),
      vector(', shorter path', { ...claim, path: path.slice(0, -1) }, [false, 'one hash too few']),
      vector(', short hash', { ...claim, path: [...path.slice(1), '00'] }, [false, 'a hash is 32 bytes']),
    ]
  })
}
