/**
 * The temporary node of a recovery: it only looks, lends nothing and listens nowhere (but on loopback when it is to
 * search there, for addresses on loopback are dialled only by a node that is itself on loopback alone).
 */
import type { Logger } from '../../base/log.ts'
import { noMetrics } from '../../base/metrics.ts'
import type { HomePaths } from '../../config/home.ts'
import { MIN_FLOOR_DAYS } from '../../crypto/options.ts'
import { signingKey } from '../../crypto/signature.ts'
import { signTerms } from '../../crypto/terms.ts'
import type { VaultSecrets } from '../../crypto/vault-keys.ts'
import { decodeInvite, loopbackOnly, PlexiNode } from '../../node/index.ts'
import { nodeOptions } from '../options.ts'
import type { Settings } from '../settings.ts'
import { systemClock as clock, systemDisk as disk, systemRandom as random } from '../system/index.ts'
import type { NewDeviceKeys } from './new-device.ts'

export interface SearchRequest {
  readonly paths: HomePaths
  readonly settings: Settings
  readonly secrets: VaultSecrets
  readonly device: NewDeviceKeys
  readonly bootstrap: readonly string[]
  readonly invite: string | undefined
}

export interface Search {
  readonly node: PlexiNode
  readonly circle: string
  /** Everything it starts from. */
  readonly bootstrap: readonly string[]
  /** The newest terms known; hosts see them with every request. */
  readonly setTerms: (terms: Uint8Array) => void
}

export function searchNode(request: SearchRequest, log: Logger): Search {
  const { paths, settings, secrets, device } = request
  const invite = request.invite === undefined ? undefined : decodeInvite(request.invite)
  const bootstrap = [...new Set([...request.bootstrap, ...(invite?.addresses ?? []), ...settings.network.bootstrap])]
  const circle = invite?.circle ?? settings.network.circle
  // The first terms of every vault: known to hosts already, and superseded by whatever is found.
  let terms = signTerms(secrets.sign, { version: 1, floorDays: MIN_FLOOR_DAYS, revokedSerials: [] })
  const node = new PlexiNode(
    {
      ...nodeOptions(settings, device.name),
      listen: loopbackOnly(bootstrap) ? ['/ip4/127.0.0.1/tcp/0'] : [],
      bootstrap,
      circle,
      ...(invite?.key === undefined ? {} : { circleKey: invite.key }),
      offerBytes: 0,
      lan: true,
    },
    {
      ...{ disk, clock, random, log: log.child({ room: 'node' }), metrics: noMetrics },
      home: { hosted: paths.hosted, datastore: paths.datastore, peersDb: paths.peersDb },
      device: {
        peerSeed: device.peerSeed,
        certificate: device.certificate,
        sign: signingKey(device.peerSeed),
        vault: secrets.vault,
        rendezvous: secrets.shared.rendezvous,
        terms: () => terms,
      },
    },
  )
  return { node, circle, bootstrap, setTerms: (newer) => (terms = newer) }
}
