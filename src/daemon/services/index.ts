/** The services the API calls, over the parts of the running daemon. */
import type { ApiServices } from '../../api/index.ts'
import type { BackupEngine } from '../../backup/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { HomePaths } from '../../config/home.ts'
import type { PlexiNode } from '../../node/index.ts'
import type { Automation } from '../automation.ts'
import type { EventHub } from '../event-hub.ts'
import type { HeadWatch } from '../head-watch.ts'
import type { Device } from '../identity/device.ts'
import type { VaultRecord } from '../identity/vault-record.ts'
import type { TermsTeller } from '../terms-teller.ts'
import type { JobRunner } from '../jobs/runner.ts'
import type { LiveSettings } from '../live-settings.ts'
import type { MetricsRegistry } from '../metrics.ts'
import type { People } from '../people.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import type { RemoteLoop } from '../remote-loop.ts'
import { bytesByHost } from '../status/measure.ts'
import { StatusService } from '../status/status-service.ts'
import { Circles } from './circles.ts'
import { SettingsService } from './config.ts'
import { HostingDesk } from './hosting.ts'
import { DeviceIdentity } from './identity.ts'
import { NotificationDesk } from './notifications.ts'
import { Peers } from './peers.ts'
import { Retention } from './retention.ts'
import { ScheduleDesk } from './schedules.ts'
import { SourceDesk } from './sources.ts'
import { Remotes } from './remotes.ts'
import { Shards } from './shards.ts'
import { Snapshots } from './snapshots.ts'
import { DaemonSystem } from './system.ts'

export interface ServiceDeps {
  readonly heads: HeadWatch
  readonly record: VaultRecord
  readonly teller: TermsTeller
  readonly clock: Clock
  readonly random: Random
  readonly paths: HomePaths
  readonly settings: LiveSettings
  readonly metrics: MetricsRegistry
  readonly device: Device
  readonly lockKind: 'passphrase' | 'key'
  readonly node: PlexiNode
  readonly engine: BackupEngine
  readonly people: People
  readonly events: EventHub
  readonly placement: PlacementLoop
  readonly automation: Automation
  readonly remotes: RemoteLoop
  readonly jobs: JobRunner
  readonly version: string
  /** Milliseconds since 1970. */
  readonly started: number
  /** Base address of the API. */
  readonly address: () => string
  readonly shutdown: (reason: string) => void
}

export function createServices(deps: ServiceDeps): ApiServices {
  const { node, settings, device, people, placement, paths, automation } = deps
  const changed = (): void => placement.kick()
  const circle = () => node.circles.get(node.net.status().circle)
  const status = new StatusService({ ...deps, hosting: node.hosting, alarms: () => automation.alarms.review() })
  const name = (): string => (settings.values.device.name === '' ? device.keys.name : settings.values.device.name)
  const snapshots = new Snapshots({ ...deps, sources: automation.book, online: () => people.online() })
  return {
    system: new DaemonSystem({
      ...{ ...deps, status, name },
      home: paths.root,
      circle: () => node.net.status().circle,
      addresses: () => node.addresses(),
      api: deps.address,
    }),
    config: new SettingsService(deps),
    events: deps.events,
    jobs: deps.jobs,
    snapshots,
    retention: new Retention({ ...deps, sources: automation.book, show: (infos) => snapshots.show(infos) }),
    shards: new Shards(deps),
    peers: new Peers({ node, changed, received: () => bytesByHost(deps.engine.status().restorableInput) }),
    circles: new Circles({ node, settings, changed }),
    hosting: new HostingDesk({ node, settings, jobs: deps.jobs, vault: device.keys.vault }),
    ...automationServices(deps),
    remotes: new Remotes({ ...deps, changed: () => deps.remotes.kick() }),
    identity: new DeviceIdentity({
      ...{ ...deps, lock: deps.lockKind },
      network: () => ({ circle: node.net.status().circle, key: circle()?.key, addresses: memberAddresses(people) }),
    }),
  }
}

function automationServices(deps: ServiceDeps): Pick<ApiServices, 'sources' | 'schedules' | 'notifications'> {
  const { sources, book, schedules, scheduler, targets, notifier, alarms } = deps.automation
  const changed = (): void => alarms.kick()
  const device = deps.device.certificate.peer
  return {
    sources: new SourceDesk({ ...deps, store: sources, book, schedules, device, changed }),
    schedules: new ScheduleDesk({ ...deps, schedules, sources, scheduler }),
    notifications: new NotificationDesk({ ...deps, targets, notifier }),
  }
}

const MAX_KIT_ADDRESSES = 8

/** Where a new machine can ask first: other members, best known first. This machine is what was lost by then. */
function memberAddresses(people: People): string[] {
  return people
    .list()
    .toSorted((a, b) => Number(b.online) - Number(a.online))
    .flatMap(({ dialable }) => dialable.slice(0, 1))
    .slice(0, MAX_KIT_ADDRESSES)
}
