/**
 * Tells a full outbox that nobody empties from one that is merely busy: the first one stops backups and must be told at
 * once. Looked at now and then; only what stayed as it was over some seconds counts.
 */
import { SECOND, type Clock } from '../../base/clock.ts'
import { counted } from '../../base/text.ts'
import { bytesText } from '../../config/quantity.ts'
import type { Condition } from '../status/alarms.ts'

export interface OutboxState {
  readonly full: boolean
  /** Bytes sealed and waiting. */
  readonly usedBytes: number
  /** Bodies that have left it since the start. */
  readonly released: number
}

const STUCK_MS = 2 * SECOND

export class OutboxWatch {
  readonly #deps: { clock: Clock; outbox: () => OutboxState }
  #seen: (OutboxState & { readonly since: number }) | undefined

  constructor(deps: { clock: Clock; outbox: () => OutboxState }) {
    this.#deps = deps
  }

  /** Looks now: true when it is full and nothing has left it for a while. */
  look(): boolean {
    const state = this.#deps.outbox()
    const now = this.#deps.clock.elapsed()
    const moved = this.#seen === undefined || state.released !== this.#seen.released
    if (!state.full || moved) this.#seen = state.full ? { ...state, since: now } : undefined
    return this.#seen !== undefined && now - this.#seen.since >= STUCK_MS
  }

  condition(eligible: number): Condition[] {
    if (!this.look()) return []
    return [{ code: 'STORAGE_OUTBOX_FULL', text: this.text(eligible) }]
  }

  /** For people. `eligible` hosts would take something. */
  text(eligible: number): string {
    const mib = 2 ** 20
    const waiting = bytesText(Math.floor(this.#deps.outbox().usedBytes / mib) * mib)
    const hosts = eligible === 0 ? 'there is no host' : `none of ${counted(eligible, 'host')} takes any`
    return `the outbox is full: ${waiting} wait for hosts and ${hosts}; backups go on when some were placed`
  }
}
