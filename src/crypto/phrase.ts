/**
 * The 24 recovery words: BIP39, English, 256 bits. Spec: docs/spec/01-keys.md § Phrase
 *
 * Invariant: no error names a word that was typed, for errors end up in logs.
 */
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { wipe } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'

export const PHRASE_WORDS = 24

/** 24 words over 32 fresh random bytes, separated by single spaces. */
export function newPhrase(random: Random): string {
  const entropy = random.bytes(32)
  try {
    return entropyToMnemonic(entropy, wordlist)
  } finally {
    wipe(entropy)
  }
}

/** Lower case, single spaces, NFKD; throws `AUTH_PHRASE_INVALID` unless it is 24 known words with a right checksum. */
export function normalisePhrase(text: string): string {
  const words = text.normalize('NFKD').toLowerCase().split(/\s+/u).filter(Boolean)
  if (words.length !== PHRASE_WORDS) throw invalid(`${String(words.length)} words instead of ${String(PHRASE_WORDS)}`)
  const unknown = words.findIndex((word) => !known.has(word))
  if (unknown !== -1) throw invalid(`word ${String(unknown + 1)} is not in the list`)
  const phrase = words.join(' ')
  if (!validateMnemonic(phrase, wordlist)) throw invalid('the checksum is wrong, so some word or the order is')
  return phrase
}

/** The 64-byte BIP39 seed of a normalised phrase, without an extra passphrase. The caller wipes it. */
export function phraseSeed(phrase: string): Uint8Array {
  return mnemonicToSeedSync(phrase)
}

const known: ReadonlySet<string> = new Set(wordlist)

function invalid(reason: string): PlexiError {
  return new PlexiError('AUTH_PHRASE_INVALID', { reason })
}
