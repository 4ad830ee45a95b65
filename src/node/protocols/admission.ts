/**
 * Who may ask for what. Authorisation is by the vault's certificate for the very peer at the other end of the connection,
 * under the newest terms either side has; room for new data also needs trust or a stamp.
 * Invariant: everything here happens before a byte of a body is read. Spec: docs/spec/05-storage-protocol.md § Authorisation
 */
import { equal } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { type Certificate, checkCertificate, type Grant, openCertificate } from '../../crypto/certificate.ts'
import type { PeerKey, VaultId } from '../../crypto/ids.ts'
import { MAX_TERMS_BYTES } from '../../crypto/options.ts'
import { openTerms, supersedes, type Terms } from '../../crypto/terms.ts'
import type { HostStore } from '../host/index.ts'
import type { Exchange } from './exchange.ts'

/** `vouched`: invited, trusted, or everybody on a loopback-only daemon. `stamped`: a stranger who showed a valid stamp. */
export type Standing = 'vouched' | 'stamped' | 'stranger' | 'blocked'

export interface Applicant {
  readonly peer: PeerKey
  readonly vault: VaultId
  /** Observed multiaddr. */
  readonly address: string
  readonly stamp: Uint8Array | null
}

/** Decided by the peer book; stamps are verified behind it. */
export interface Admission {
  standing(applicant: Applicant): Promise<Standing>
}

export interface Caller {
  readonly vault: VaultId
  readonly certificate: Certificate
  /** What the caller sent along, if it takes the place of what is known here. */
  readonly newTerms: { readonly bytes: Uint8Array; readonly terms: Terms } | undefined
  /** What the caller sent is older than, or contradicts, what is known here. */
  readonly olderTerms: { readonly offered: number; readonly known: number } | undefined
}

interface Ports {
  readonly store: Pick<HostStore, 'terms' | 'vault'>
  readonly clock: Clock
}

/** Reads the terms frame if one follows. Throws `AUTH_CERTIFICATE`, `AUTH_REVOKED`, `AUTH_GRANT_MISSING`, `SECURITY_SIGNATURE`. */
export async function authorise(
  exchange: Exchange,
  request: { readonly certificate: Uint8Array; readonly terms: boolean; readonly grant?: Grant },
  ports: Ports,
): Promise<Caller> {
  const offered = request.terms ? await readTerms(exchange) : undefined
  const certificate = openCertificate(request.certificate)
  const { vault } = certificate
  // Another's certificate must not cost more than this, nor learn whether its serial is revoked.
  checkCertificate(certificate, { peer: exchange.from.peer, now: ports.clock.now(), revoked: new Set() })
  const known = await ports.store.terms.get(vault)
  const fresh = offered === undefined || (known !== undefined && equal(known.bytes, offered)) ? undefined : offered
  const terms = fresh === undefined ? undefined : { bytes: fresh, terms: openTerms(fresh, vault) }
  const revoked = new Set([...(known?.terms.revokedSerials ?? []), ...(terms?.terms.revokedSerials ?? [])])
  checkCertificate(certificate, {
    peer: exchange.from.peer,
    now: ports.clock.now(),
    revoked,
    ...(request.grant === undefined ? {} : { grant: request.grant }),
  })
  const newer = terms !== undefined && (known === undefined || supersedes(known.terms, terms.terms))
  const newTerms = newer ? terms : undefined
  if (newTerms !== undefined && ports.store.vault(vault) !== undefined) await ports.store.terms.keep(vault, newTerms)
  return { vault, certificate, newTerms, olderTerms: terms === undefined || newer ? undefined : conflict(terms, known) }
}

/** Whether the caller may store here, and whether as one of ours. Throws `SECURITY_STAMP_REQUIRED`, `AUTH_FORBIDDEN`. */
export async function admit(
  exchange: Exchange,
  caller: { readonly vault: VaultId; readonly stamp: Uint8Array | null },
  admission: Admission,
): Promise<{ vouched: boolean }> {
  const { peer, address } = exchange.from
  const standing = await admission.standing({ peer, address, vault: caller.vault, stamp: caller.stamp })
  if (standing === 'blocked') throw new PlexiError('AUTH_FORBIDDEN', { reason: 'blocked' })
  if (standing === 'stranger') throw new PlexiError('SECURITY_STAMP_REQUIRED')
  return { vouched: standing === 'vouched' }
}

async function readTerms(exchange: Exchange): Promise<Uint8Array> {
  return exchange.reader.frame({ what: 'terms', maxBytes: MAX_TERMS_BYTES }, exchange.signal)
}

function conflict(
  offered: { readonly terms: Terms },
  known: { readonly terms: Terms } | undefined,
): { offered: number; known: number } {
  return { offered: offered.terms.version, known: known?.terms.version ?? 0 }
}
