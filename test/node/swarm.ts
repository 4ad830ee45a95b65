// In-process nodes on loopback for tests of the transport and of discovery; always stopped by the test that made them.
import { MemoryDatastore } from 'datastore-core'
import type { Test } from 'tap'
import { silentLogger } from '../../src/base/log.ts'
import { peerKey, type PeerKey } from '../../src/crypto/ids.ts'
import { systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { Attribution, type BoundedDatastore } from '../../src/node/dht/bounded-datastore.ts'
import { headRecordRules } from '../../src/node/dht/head-records.ts'
import { boundedStore } from '../../src/node/dht/store-rules.ts'
import { DialPolicy } from '../../src/node/dial-policy.ts'
import { makeLibp2p, type CircleLibp2p } from '../../src/node/libp2p.ts'
import { openPeersDatabase } from '../../src/node/peers/database.ts'
import { PeerTable } from '../../src/node/peers/peer-table.ts'

export interface BareNode {
  readonly libp2p: CircleLibp2p
  readonly peer: PeerKey
  readonly address: string
  readonly policy: DialPolicy
  readonly table: PeerTable
  readonly datastore: BoundedDatastore
}

export interface BareOptions {
  readonly bootstrap?: readonly string[]
  readonly listen?: readonly string[]
  readonly circle?: string
  readonly circleKey?: Uint8Array
  readonly seed?: Uint8Array
}

export async function bareNode(t: Pick<Test, 'teardown'>, options: BareOptions = {}): Promise<BareNode> {
  const policy = new DialPolicy({ loopbackOnly: true, lan: false, subnets: [] })
  const attribution = new Attribution()
  const datastore = boundedStore(new MemoryDatastore(), { clock: systemClock, attribution })
  const libp2p = await makeLibp2p(
    {
      peerSeed: options.seed ?? systemRandom.bytes(32),
      listen: options.listen ?? ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: options.bootstrap ?? [],
      ...(options.circleKey === undefined ? {} : { circleKey: options.circleKey }),
      loopbackOnly: true,
      mdns: false,
      dht: { circle: options.circle ?? 'test', server: true, records: headRecordRules(systemClock) },
    },
    { datastore, policy, attribution },
  )
  await libp2p.start()
  t.teardown(() => libp2p.stop())
  const database = await openPeersDatabase(':memory:', systemDisk)
  t.teardown(() => database.close())
  const table = new PeerTable({ maxPeers: 100 }, { database, clock: systemClock })
  return {
    libp2p,
    peer: peerKey(libp2p.peerId.toString()),
    address: libp2p.getMultiaddrs()[0]?.toString() ?? '',
    policy,
    table,
    datastore,
  }
}

export const ports = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLogger }

/** Waits until `check` holds, asking every few milliseconds; fails after `ms`. */
export async function until(check: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await check())) {
    if (performance.now() > end) throw new Error('the condition did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
