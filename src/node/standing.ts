/**
 * Who may store here without proof of work (docs/spec/05-storage-protocol.md, authorisation): people who were invited
 * or trusted, the own vault's other devices, and everybody on a daemon that listens on loopback alone. Stamps of
 * strangers are verified behind this interface once they exist; until then no stranger has one.
 */
import { toHex } from '../base/bytes.ts'
import type { PeerKey, VaultId } from '../crypto/ids.ts'
import type { PeerTable } from './peers/peer-table.ts'
import type { Admission, Applicant, Standing } from './protocols/index.ts'

export interface StandingDeps {
  readonly table: Pick<PeerTable, 'get' | 'vaultVouched'>
  readonly vault: VaultId
}

export class PeerStanding implements Admission {
  readonly #options: { readonly vouchEverybody: boolean }
  readonly #deps: StandingDeps

  constructor(options: { vouchEverybody: boolean }, deps: StandingDeps) {
    this.#options = options
    this.#deps = deps
  }

  async standing(applicant: Applicant): Promise<Standing> {
    const known = this.#deps.table.get(applicant.peer)
    if (known?.blocked === true) return 'blocked'
    return this.vouched(applicant.peer, toHex(applicant.vault)) ? 'vouched' : 'stranger'
  }

  /** `vault` in hex; undefined while the peer has not shown a certificate. */
  vouched(peer: PeerKey, vault: string | undefined): boolean {
    const { table } = this.#deps
    if (this.#options.vouchEverybody || vault === toHex(this.#deps.vault)) return true
    return table.get(peer)?.vouched === true || (vault !== undefined && table.vaultVouched(vault))
  }
}
