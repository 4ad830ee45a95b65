/**
 * Who may store here without proof of work (docs/spec/05-storage-protocol.md, authorisation): people who were invited
 * or trusted, the own vault's other devices, and everybody on a daemon that listens on loopback alone. Stamps of
 * strangers are verified behind this interface once they exist; until then no stranger has one. Invariant: trust and
 * blocks are of vaults: a device is vouched for with the vault it was vouched for in, so a revoked one gains nothing by
 * a vault of its own.
 */
import { toHex } from '../base/bytes.ts'
import type { PeerKey, VaultId } from '../crypto/ids.ts'
import type { PeerTable } from './peers/peer-table.ts'
import type { Admission, Applicant, Standing } from './protocols/index.ts'

export interface StandingDeps {
  readonly table: Pick<PeerTable, 'get' | 'vaultVouched' | 'vaultBlocked' | 'belongs'>
  readonly vault: VaultId
}

export class PeerStanding implements Admission {
  readonly #options: { readonly vouchEverybody: boolean }
  readonly #deps: StandingDeps

  constructor(options: { vouchEverybody: boolean }, deps: StandingDeps) {
    this.#options = options
    this.#deps = deps
  }

  async standing({ peer, vault }: Applicant): Promise<Standing> {
    const { table } = this.#deps
    const known = table.get(peer)
    const whose = toHex(vault)
    // One of the own devices is blocked alone: the others must go on.
    if (known?.blocked === true || (!this.#own(whose) && table.vaultBlocked(whose))) return 'blocked'
    if (!this.vouched(peer, whose)) return 'stranger'
    if (known?.vouched === true && known.vault === undefined) table.belongs(peer, whose)
    return 'vouched'
  }

  /** `vault` in hex; undefined while the peer has not shown a certificate. */
  vouched(peer: PeerKey, vault: string | undefined): boolean {
    if (this.#options.vouchEverybody || this.#own(vault)) return true
    const { table } = this.#deps
    if (vault !== undefined && table.vaultVouched(vault)) return true
    const known = table.get(peer)
    if (known?.vouched !== true || known.blocked) return false
    return known.vault === undefined || vault === undefined || known.vault === vault
  }

  #own(vault: string | undefined): boolean {
    return vault === toHex(this.#deps.vault)
  }
}
