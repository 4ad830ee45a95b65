// Hosts that offer honestly and then misbehave: what they do with the shard protocol is up to the test.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '../../src/base/bytes.ts'
import { silentLogger } from '../../src/base/log.ts'
import { noMetrics } from '../../src/base/metrics.ts'
import { peerKey, type PeerKey } from '../../src/crypto/ids.ts'
import { systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { hostDefaults, HostStore } from '../../src/node/host/index.ts'
import { createHandlers, serveDefaults, SHARD_PROTOCOL, type ProtocolHandler } from '../../src/node/protocols/index.ts'
import { Libp2pWire } from '../../src/node/stream-adapter.ts'
import { newDevice, newVault, type Stoppable } from './circle.ts'
import { bareNode } from './swarm.ts'

export interface Rogue {
  readonly peer: PeerKey
  readonly addresses: string[]
  /** Shard streams that reached it. */
  asked(): number
  kill(): Promise<void>
}

export type Misdeed = (honest: ProtocolHandler, kill: () => Promise<void>) => ProtocolHandler

export async function startRogue(t: Stoppable, bootstrap: readonly string[], misdeed: Misdeed): Promise<Rogue> {
  const device = newDevice(newVault())
  const home = await mkdtemp(join(tmpdir(), 'plexi-rogue-'))
  const shared = { disk: systemDisk, clock: systemClock, random: systemRandom, log: silentLogger, metrics: noMetrics }
  const store = new HostStore(
    { ...hostDefaults, offerBytes: 64 * MiB, diskReserve: 0 },
    { ...shared, path: join(home, 'hosted') },
  )
  await store.start()
  const node = await bareNode(t, { bootstrap, seed: device.peerSeed })
  const peer = peerKey(node.libp2p.peerId.toString())
  const stopping = new AbortController()
  const handlers = createHandlers(serveDefaults, {
    ...shared,
    stopping: stopping.signal,
    store,
    admission: { standing: async () => 'vouched' },
    identity: { peer, sign: device.sign, certificate: () => device.certificate },
    invites: { redeem: () => Promise.reject(new Error('no invites')) },
    devices: {
      ask: () => {
        throw new Error('no codes')
      },
    },
    hosting: {
      leaseDays: 90,
      strangerBytes: 0,
      version: '1',
      minimumVersion: '1',
      stamp: () => null,
      draining: () => false,
    },
  })
  let asked = 0
  const kill = async (): Promise<void> => {
    for (const connection of node.libp2p.getConnections()) connection.abort(new Error('killed'))
    await node.libp2p.stop()
  }
  for (const [protocol, honest] of Object.entries(handlers)) {
    const handler = protocol === SHARD_PROTOCOL ? misdeed(honest, kill) : honest
    await node.libp2p.handle(protocol, async (stream, connection) => {
      if (protocol === SHARD_PROTOCOL) asked++
      const from = { peer: peerKey(connection.remotePeer.toString()), address: connection.remoteAddr.toString() }
      await handler(new Libp2pWire(stream, { idleMs: 30_000, peer: from.peer }, systemClock), from)
    })
  }
  t.teardown(async () => {
    stopping.abort()
    await node.libp2p.stop()
    await store.stop()
    await rm(home, { recursive: true, force: true })
  })
  return { peer, addresses: node.libp2p.getMultiaddrs().map(String), asked: () => asked, kill }
}

const forever = new AbortController().signal

/** Takes everything and says nothing. */
export const hangs: Misdeed = () => async (stream) => {
  try {
    while ((await stream.read(forever)) !== undefined);
  } catch {
    // The other side gave up.
  }
}

/** Answers with bytes that mean nothing. */
export const babbles: Misdeed = () => async (stream) => {
  await stream.write(Uint8Array.from([40, ...systemRandom.bytes(40)]), forever).catch(() => undefined)
  await stream.close().catch(() => undefined)
}

/** Dies as soon as the first piece of a body has arrived. */
export const dies: Misdeed = (honest, kill) => (stream, from) => {
  let pieces = 0
  return honest(
    {
      read: async (signal) => {
        const bytes = await stream.read(signal)
        if (++pieces === 4) await kill()
        return bytes
      },
      write: (bytes, signal) => stream.write(bytes, signal),
      abort: (error) => {
        stream.abort(error)
      },
      close: () => stream.close(),
    },
    from,
  )
}
