/**
 * What reachable members hold of a vault, judged: the newest valid authority and terms win. Spec: docs/spec/01-keys.md
 * § Authority, docs/spec/04-snapshot-and-head.md § Recovery. Members are strangers here: nothing is believed unsigned.
 */
import { equal } from '../../base/bytes.ts'
import { isPlexiError } from '../../base/errors.ts'
import { openAuthority, type Authority } from '../../crypto/authority.ts'
import { openTerms, type Terms } from '../../crypto/terms.ts'
import type { VaultSecrets } from '../../crypto/vault-keys.ts'
import type { FoundHead } from '../../shard/index.ts'

export interface FoundVault {
  readonly authority: { readonly bytes: Uint8Array; readonly content: Authority }
  readonly terms: { readonly bytes: Uint8Array; readonly content: Terms }
  /** Members that answered with something valid of this vault. */
  readonly sources: number
  /** Two different authorities of the same version: the vault key signed both, or somebody has the words. */
  readonly disagreement: boolean
}

/** Undefined when nothing of what was found is this vault's. */
export function judgeVault(found: readonly FoundHead[], secrets: VaultSecrets): FoundVault | undefined {
  const { vault } = secrets
  const authorities = found.flatMap(({ bundle }) => {
    const content = valid(() => openAuthority(bundle.authority, { key: secrets.shared.authority, vault }))
    return content === undefined ? [] : [{ bytes: bundle.authority, content }]
  })
  const terms = found.flatMap(({ bundle }) => {
    const content = valid(() => openTerms(bundle.terms, vault))
    return content === undefined ? [] : [{ bytes: bundle.terms, content }]
  })
  const [authority, newestTerms] = [newest(authorities), newest(terms)]
  if (authority === undefined || newestTerms === undefined) return undefined
  const rivals = authorities.filter(({ content }) => content.version === authority.content.version)
  return {
    authority,
    terms: newestTerms,
    sources: new Set(found.map(({ source }) => source)).size,
    disagreement: rivals.some(({ bytes }) => !equal(bytes, authority.bytes)),
  }
}

/** The highest version; of equal ones the first bytewise, so that every device chooses the same. */
function newest<T extends { bytes: Uint8Array; content: { version: number } }>(all: readonly T[]): T | undefined {
  return all.toSorted((a, b) => b.content.version - a.content.version || Buffer.compare(a.bytes, b.bytes))[0]
}

/** Undefined for what is malformed, of another vault or not signed by this one. */
function valid<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    if (isPlexiError(error)) return undefined
    throw error
  }
}
