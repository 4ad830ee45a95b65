/** The caps of this node's part of the DHT and of libp2p's own tables, as rules (docs/spec/06-dht-records.md, caps). */
import type { Datastore } from 'interface-datastore'
import { DAY, HOUR, type Clock } from '../../base/clock.ts'
import { dhtLimits } from '../options.ts'
import { BoundedDatastore, type Attribution, type StoreRule } from './bounded-datastore.ts'
import { mayReplaceStored } from './head-records.ts'
import { VolatileDatastore } from './volatile-datastore.ts'

export const RECORD_PREFIX = '/dht/record'
export const PROVIDER_PREFIX = '/dht/provider'
const PEER_PREFIX = '/peers/'

const makeRules = (): StoreRule[] => [
  {
    prefix: RECORD_PREFIX,
    what: 'DHT records',
    maxEntries: dhtLimits.maxRecords,
    maxEntriesPerPeer: dhtLimits.maxRecordsPerPeer,
    maxValueBytes: dhtLimits.maxStoredRecordBytes,
    evictAfterMs: 2 * DAY,
    mayReplace: mayReplaceStored,
  },
  {
    prefix: PROVIDER_PREFIX,
    what: 'DHT provider entries',
    maxEntries: dhtLimits.maxProviders,
    maxEntriesPerPeer: dhtLimits.maxProvidersPerPeer,
    maxValueBytes: 64,
    evictAfterMs: 2 * DAY,
  },
  {
    prefix: PEER_PREFIX,
    what: 'known peers',
    maxEntries: dhtLimits.maxPeerEntries,
    maxEntriesPerPeer: dhtLimits.maxPeerEntries,
    maxValueBytes: dhtLimits.maxPeerEntryBytes,
    evictAfterMs: HOUR,
    store: new VolatileDatastore(),
  },
]

export function boundedStore(
  inner: Datastore,
  deps: { readonly clock: Clock; readonly attribution: Attribution },
): BoundedDatastore {
  const { writesPerPeer: perPeer, writesOfAll: allPeers } = dhtLimits
  return new BoundedDatastore({ rules: makeRules(), perPeer, allPeers }, { inner, ...deps })
}
