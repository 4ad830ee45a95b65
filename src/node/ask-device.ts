/**
 * The new device's side of a one-time code: a node that only dials, for a machine that has no vault yet
 * (docs/spec/06-dht-records.md, device codes). Invariant: it talks to the peer that the code names and to nobody else.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { isPlexiError, PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { loopbackOnly } from './addresses.ts'
import { CircleBook } from './circles.ts'
import { deviceCodeHost, type DeviceCode } from './device-desk.ts'
import { Attribution } from './dht/bounded-datastore.ts'
import { headRecordRules } from './dht/head-records.ts'
import { VolatileDatastore } from './dht/volatile-datastore.ts'
import { DialPolicy } from './dial-policy.ts'
import { makeLibp2p, type CircleLibp2p } from './libp2p.ts'
import { defaultLimits, deviceCodeLimits } from './options.ts'
import { openPeersDatabase } from './peers/database.ts'
import { askForDevice, DEVICE_PROTOCOL, type DeviceAnswer, type NewKeys } from './protocols/index.ts'
import { PeerLinks } from './transfer/peer-links.ts'

export interface Asking extends NewKeys {
  /** Seed of the Ed25519 key whose peer asks, 32 bytes. */
  readonly peerSeed: Uint8Array
  readonly code: DeviceCode
}

export interface AskingDeps {
  readonly clock: Clock
  /** The other device knows of the request and has not answered yet. */
  readonly waiting: () => void
}

/** Asks until somebody answers. Throws `SECURITY_DEVICE_CODE`, `NETWORK_UNREACHABLE`, `NETWORK_TIMEOUT`. */
export async function becomeDevice(asking: Asking, deps: AskingDeps, signal: AbortSignal): Promise<DeviceAnswer> {
  const { code } = asking
  const policy = new DialPolicy({ loopbackOnly: loopbackOnly(code.addresses), lan: false, subnets: [] })
  for (const address of code.addresses) policy.allow(address)
  const libp2p = await dialer(asking, policy, deps)
  await libp2p.start()
  try {
    return await askOn(new PeerLinks(defaultLimits, { libp2p, policy, clock: deps.clock }), asking, { ...deps, signal })
  } finally {
    await libp2p.stop()
  }
}

/** The circle of a code and where it is entered, so that a daemon on this home finds it. */
export async function rememberCircle(
  { circle, key, addresses }: DeviceCode,
  deps: { peersDb: string; disk: Disk; clock: Clock; random: Random },
): Promise<void> {
  const database = await openPeersDatabase(deps.peersDb, deps.disk)
  try {
    new CircleBook({ ...deps, database }).add({
      id: circle,
      bootstrap: addresses,
      ...(key === undefined ? {} : { key }),
    })
  } finally {
    database.close()
  }
}

async function askOn(
  links: PeerLinks,
  asking: Asking,
  { clock, waiting, signal }: AskingDeps & { readonly signal: AbortSignal },
): Promise<DeviceAnswer> {
  const { code, peer, dh, name } = asking
  const host = deviceCodeHost(code)
  const keys = { peer, dh, name, secret: code.token }
  let failures = 0
  for (;;) {
    try {
      const stream = await links.open(host, DEVICE_PROTOCOL, signal)
      const answer = await askForDevice({ stream, host: host.peer, clock, signal }, keys)
      if (answer !== undefined) return answer
      failures = 0
      waiting()
    } catch (error) {
      failures++
      const passing = isPlexiError(error, 'NETWORK_UNREACHABLE') || isPlexiError(error, 'NETWORK_TIMEOUT')
      if (!passing) throw error
      if (failures >= deviceCodeLimits.failures) throw unanswered(host.peer, error)
    }
    await clock.sleep(deviceCodeLimits.askEveryMs, signal)
  }
}

function unanswered(peer: PeerKey, cause: unknown): PlexiError {
  const message =
    'the device that made the code does not answer: its daemon has to run, where this machine can reach it'
  const remedy = 'where the code was made: plexichat up, then a new code: plexichat identity add-device'
  return new PlexiError('NETWORK_UNREACHABLE', { peer }, { message, remedy, cause })
}

function dialer({ peerSeed, code }: Asking, policy: DialPolicy, { clock }: AskingDeps): Promise<CircleLibp2p> {
  return makeLibp2p(
    {
      peerSeed,
      listen: [],
      bootstrap: [],
      ...(code.key === undefined ? {} : { circleKey: code.key }),
      loopbackOnly: loopbackOnly(code.addresses),
      mdns: false,
      dht: { circle: code.circle, server: false, records: headRecordRules(clock) },
    },
    { datastore: new VolatileDatastore(), policy, attribution: new Attribution() },
  )
}
