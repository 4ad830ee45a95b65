/** What every handler of the shard protocol is given: the store, who is admitted, this host's identity, and time. */
import type { Clock } from '../../../base/clock.ts'
import type { PeerKey } from '../../../crypto/ids.ts'
import type { SigningKey } from '../../../crypto/signature.ts'
import type { HostStore } from '../../host/index.ts'
import type { Admission } from '../admission.ts'

export interface HostIdentity {
  readonly peer: PeerKey
  /** The device key, which is the libp2p key. */
  readonly sign: SigningKey
  /** This device's own certificate, as it is now. */
  certificate(): Uint8Array
}

export interface HostContext {
  readonly store: HostStore
  readonly admission: Admission
  readonly identity: HostIdentity
  readonly clock: Clock
}
