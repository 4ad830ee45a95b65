/** What a thread is told when it verifies: one shard, and how deep to look. */
import type { Sealed } from '../restore/pour-job.ts'

export interface CheckJob {
  readonly shard: Sealed
  /** Open it and check every chunk against its id, too. Parity has no inside. */
  readonly inside: boolean
}

/** `root`: these are other bytes than the shard's. `inside`: it was sealed like that. `why` is for people. */
export type CheckResult =
  { readonly ok: true } | { readonly ok: false; readonly stage: 'root' | 'inside'; readonly why: string }
