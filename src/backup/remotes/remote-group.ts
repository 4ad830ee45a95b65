/**
 * The placement group of a vault that knows no hosts yet but has a remote: k = n = 1, on whichever remote is there.
 * Invariant: it is no host. It never counts for `safe`, is never named in a head, and no peer has its key.
 */
import { equal, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../crypto/hash.ts'
import { peerKeyOf, type PeerKey } from '../../crypto/ids.ts'
import { groupId, type GroupId, type PlacementGroup } from '../../shard/index.ts'

/** Stands for "a remote" wherever a holder is named. */
export const REMOTE_PEER: PeerKey = peerKeyOf(sha256(utf8('plexichat/remote-peer')))

export const REMOTE_GROUP: GroupId = groupId(sha256(utf8('plexichat/remote-group')).subarray(0, 16))

export const remoteGroup: PlacementGroup = {
  id: REMOTE_GROUP,
  version: 1,
  k: 1,
  n: 1,
  slots: [{ host: { peer: REMOTE_PEER, addresses: [] }, former: [] }],
  standbys: [],
  returnRates: [0],
}

export function isRemoteGroup(id: GroupId): boolean {
  return equal(id, REMOTE_GROUP)
}
