export interface Adoption {
  readonly headSeq: number
}
import type { FoundHead } from '../../shard/index.ts'
import type { Session } from '../session.ts'
export function adoptHeads(_s: Session, _h: readonly FoundHead[], _signal: AbortSignal): Promise<Adoption> {
  return Promise.resolve({ headSeq: 0 })
}
