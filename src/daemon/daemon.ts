/**
 * The composition root. It reads top to bottom: home and lock, settings and log, identity, network, engine, jobs, API.
 * What starts last stops first; the lock is given back when nothing of the home is open any more.
 */
import { createApiServer, singleToken, type ApiServer } from '../api/index.ts'
import { BackupEngine } from '../backup/index.ts'
import { isoTime, type Clock } from '../base/clock.ts'
import { stopAll, type Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Environment, HomePaths } from '../config/home.ts'
import { vaultText } from '../crypto/ids.ts'
import type { DeviceKeys } from '../crypto/keystore-format.ts'
import { openTerms } from '../crypto/terms.ts'
import { PlexiNode } from '../node/index.ts'
import { OutboxWatch } from './alarms/outbox-watch.ts'
import { Automation } from './automation.ts'
import { writeDaemonInfo, type DaemonInfo } from './daemon-info.ts'
import { EventHub } from './event-hub.ts'
import { HeadWatch } from './head-watch.ts'
import { prepareHome, prepareSocketDirectory, removeLeftovers, removeSocketDirectory, requireVault } from './home.ts'
import { deviceOf, type Device } from './identity/device.ts'
import { lockKind, passphraseFrom, readKeystore, writeKeystore } from './identity/keystore-file.ts'
import { VaultRecord } from './identity/vault-record.ts'
import { jobMigrations, openJobsDatabase } from './jobs/database.ts'
import { BackupJob } from './jobs/backup-job.ts'
import { jobDefaults } from './jobs/options.ts'
import { AdoptJob, SeedJob } from './jobs/seed-jobs.ts'
import { RemoteTestJob } from './jobs/remote-test-job.ts'
import { ForgetJob } from './jobs/forget-job.ts'
import { GcJob } from './jobs/gc-job.ts'
import { PruneJob } from './jobs/prune-job.ts'
import { RestoreJob } from './jobs/restore-job.ts'
import { JobRunner } from './jobs/runner.ts'
import { JobStore } from './jobs/store.ts'
import { submitPrune } from './jobs/submit-prune.ts'
import { VerifyJob } from './jobs/verify-job.ts'
import { LiveSettings, type Reloaded } from './live-settings.ts'
import { lockHome, type HomeLock } from './lock.ts'
import { openLog } from './log-sink.ts'
import { createMetrics } from './metrics.ts'
import { apiOptions, backupOptions, eventOptions, nodeOptions } from './options.ts'
import { People } from './people.ts'
import { placementDefaults, PlacementLoop } from './placement-loop.ts'
import { remoteDefaults, RemoteLoop } from './remote-loop.ts'
import { createServices } from './services/index.ts'
import type { SettingFlags } from './settings.ts'
import { commandOutput } from './system/command-output.ts'
import { systemClock, systemDisk, systemRandom, systemThreads } from './system/index.ts'
import { TermsTeller } from './terms-teller.ts'
import { newToken } from './token.ts'

export interface DaemonRequest {
  readonly paths: HomePaths
  readonly env: Environment
  /** By setting name; undefined where not given. */
  readonly flags?: SettingFlags
  /** Of the program, for `node` and the log. */
  readonly version: string
}

/** First line of `plexichat daemon --json`. */
export type ReadyInfo = Omit<DaemonInfo, 'ready' | 'startedAt'>

export interface RunningDaemon {
  readonly info: ReadyInfo
  readonly log: Logger
  /** Resolves with the reason when the API is asked to end the daemon. */
  readonly stopAsked: Promise<string>
  reload(): Promise<Reloaded>
  stop(): Promise<void>
}

/** For the last step of dropping an older epoch key, where one was cut off. */
const SETTLE_MS = 60_000

const disk = systemDisk
const clock = systemClock
const random = systemRandom

/** Opens everything; on failure everything opened so far is closed again. */
export async function openDaemon(request: DaemonRequest): Promise<RunningDaemon> {
  const { paths } = request
  // Databases make their own files: nothing this process writes is for other accounts, except what a restore is told to.
  process.umask(0o077)
  await requireVault(disk, paths)
  await prepareHome(disk, paths)
  return await openLocked(request, await lockHome(disk, paths))
}

async function openLocked(request: DaemonRequest, lock: HomeLock): Promise<RunningDaemon> {
  const parts = new Parts([closing(() => lock.release()), socketDirectory(request.paths)])
  try {
    await prepareSocketDirectory(disk, request.paths)
    return await compose(request, parts)
  } catch (error) {
    // Half-started parts may fail to stop; what counts is why they did not start.
    await parts.stop().catch(() => undefined)
    throw error
  }
}

async function compose(request: DaemonRequest, parts: Parts): Promise<RunningDaemon> {
  const { paths, env, version } = request
  const started = clock.now()
  await disk.unlink(paths.daemonInfo)
  await removeLeftovers(disk, paths)
  const source = { configPath: paths.config, env, ...(request.flags === undefined ? {} : { flags: request.flags }) }
  const settings = await LiveSettings.read(disk, source)
  const { log, logService } = openLog(paths.logFile, settings)
  await parts.add(logService)
  const world = { disk, clock, random, log, metrics: createMetrics() }

  const keystore = { disk, random }
  const device = deviceOf(await readKeystore(paths, await passphraseFrom(env), keystore))

  const node = new PlexiNode(nodeOptions(settings.values, device.keys.name), {
    ...{ ...world, log: log.child({ room: 'node' }) },
    home: { hosted: paths.hosted, datastore: paths.datastore, peersDb: paths.peersDb },
    device: device.node,
  })
  await parts.add(node)
  settings.listen(({ hosting }) => node.hosting.resize(hosting.offer))

  const engine = new BackupEngine(backupOptions(settings.values, device.keys), {
    ...{ ...world, log: log.child({ room: 'backup' }) },
    ...{ network: node.network, threads: systemThreads },
    keys: device.engine,
    home: paths,
  })
  await parts.add({ start: () => engine.open(), stop: () => engine.close() })

  const people = new People(node)
  const events = new EventHub(eventOptions, { clock })
  const save = async (keys: DeviceKeys): Promise<void> =>
    writeKeystore(paths, { keys, passphrase: await passphraseFrom(env) }, keystore)
  let changed = (): void => undefined
  const record = new VaultRecord({ device, engine, save, changed: () => changed(), log })
  const loops: Loops = await startLoops(parts, { ...world, engine, node, people, events, device, record })
  changed = () => loops.placement.kick()
  const common = { ...world, ...loops, engine, node, people, events, device, paths }
  const { jobs, automation } = await startWork(parts, common)

  const stopAsked = Promise.withResolvers<string>()
  const services = createServices({
    ...{ ...common, settings, record, jobs, automation, version, started },
    lockKind: await lockKind(paths, keystore),
    address: () => api.address,
    shutdown: stopAsked.resolve,
  })
  const tokens = singleToken(await newToken(paths, world))
  const api: ApiServer = await createApiServer(apiOptions(settings.values, paths), { ...world, services, tokens })
  await parts.add(api)

  const info = readyInfo(device, node, api)
  await parts.add(runFiles(paths, { ...info, ready: true, startedAt: isoTime(started) }))
  log.info('ready', { version, peer: info.peerId, addresses: info.addresses, api: info.api })
  events.emit('system', 'the daemon is ready')
  return {
    info,
    log,
    stopAsked: stopAsked.promise,
    reload: () => settings.reload(),
    stop: () => parts.stop(),
  }
}

interface Loops {
  readonly placement: PlacementLoop
  readonly heads: HeadWatch
  readonly teller: TermsTeller
  readonly remotes: RemoteLoop
}

interface LoopsNeed {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly engine: BackupEngine
  readonly node: PlexiNode
  readonly people: People
  readonly events: EventHub
  readonly device: Device
  readonly record: VaultRecord
}

/** What goes on by itself: bringing out what waits, watching for newer heads, filling remotes. */
async function startLoops(parts: Parts, need: LoopsNeed): Promise<Loops> {
  const { node, people, device, record } = need
  await record.settle(AbortSignal.timeout(SETTLE_MS))
  const online = (): boolean => people.online().size > 0
  const eligible = (): string[] => people.eligible()
  const placement = await parts.add(new PlacementLoop(placementDefaults, { ...need, eligible }))
  const heads = await parts.add(
    new HeadWatch({
      ...{ ...need, network: node.network, device: node.peer },
      ...{ record, online },
      devices: () => record.authority.devices.length - record.authority.revoked.length,
      reads: device.certificate.grants.includes('fetch'),
      adopted: () => placement.kick(),
    }),
  )
  const worthTelling = (): boolean => openTerms(device.keys.terms, device.keys.vault).version > 1
  const teller = await parts.add(new TermsTeller({ ...need, online, worthTelling }))
  const remotes = await parts.add(
    new RemoteLoop(remoteDefaults, {
      ...need,
      came: () => placement.kick(),
      met: (found, signal) => heads.consider(found, signal),
    }),
  )
  return { placement, heads, teller, remotes }
}

interface WorkNeed extends Loops {
  readonly engine: BackupEngine
  readonly node: PlexiNode
  readonly people: People
  readonly events: EventHub
  readonly log: Logger
  readonly device: Device
  readonly paths: HomePaths
}

/** Jobs, and what starts and watches them by itself. */
async function startWork(parts: Parts, need: WorkNeed): Promise<{ jobs: JobRunner; automation: Automation }> {
  const { engine, node, people, placement, remotes, events, log, device, paths } = need
  const database = await openJobsDatabase(disk, paths.jobsDb, await jobMigrations(disk))
  await parts.add(closing(() => database.close()))
  const outbox = new OutboxWatch({ clock, outbox: () => engine.outbox() })
  const shared = { engine, nameOf: (peer: string) => people.nameOf(peer) }
  const hosts = { checkWelcome: () => people.checkWelcome(), eligible: () => people.eligible() }
  const stuck = (): void => automation.alarms.kick()
  const handlers = {
    backup: new BackupJob({ ...shared, ...hosts, placement, outbox, stuck, clock, output: commandOutput }),
    restore: new RestoreJob(shared),
    verify: new VerifyJob(shared),
    seed: new SeedJob({ ...shared, device, placed: () => placement.kick() }),
    adopt: new AdoptJob({ node, clock }),
    'remote-test': new RemoteTestJob({ engine, changed: () => remotes.kick() }),
    forget: new ForgetJob({
      ...{ engine, device: device.certificate.peer },
      keepOf: (source) => automation.book.policy(source).keep,
      prune: () => submitPrune(jobs, {}),
    }),
    prune: new PruneJob({ ...shared, clock }),
    gc: new GcJob({ engine, disk, cache: paths.cache }),
  }
  const jobs: JobRunner = new JobRunner(jobDefaults, {
    store: new JobStore(database),
    handlers,
    events,
    clock,
    random,
    log,
  })
  const automation: Automation = await Automation.open({
    ...{ ...need, clock, random, database, jobs, outbox },
    device: device.certificate.peer,
    sender: () => ({ device: device.keys.name, vault: vaultText(device.keys.vault) }),
  })
  await parts.add(jobs)
  return { jobs, automation: await parts.add(automation) }
}

/** What runs, in the order it was started. */
class Parts {
  readonly #running: Service[]

  constructor(running: Service[]) {
    this.#running = running
  }

  async add<T extends Service>(part: T): Promise<T> {
    this.#running.push(part)
    await part.start()
    return part
  }

  /** In reverse, all of them, whatever fails. */
  async stop(): Promise<void> {
    await stopAll(this.#running.splice(0))
  }
}

function readyInfo({ keys, certificate }: Device, node: PlexiNode, api: ApiServer): ReadyInfo {
  const vault = vaultText(keys.vault)
  return { pid: process.pid, peerId: certificate.peer, vault, addresses: node.addresses(), api: api.address }
}

/** What needs no start. */
function closing(close: () => void): Service {
  return { start: async () => undefined, stop: async () => close() }
}

/** Goes when the API that listens in it has stopped. */
function socketDirectory(paths: HomePaths): Service {
  return { start: async () => undefined, stop: () => removeSocketDirectory(disk, paths) }
}

/** What `run/` says about a running daemon is there while it is ready. */
function runFiles(paths: HomePaths, info: DaemonInfo): Service {
  return {
    start: () => writeDaemonInfo(disk, paths, info),
    async stop() {
      await disk.unlink(paths.daemonInfo)
      await disk.unlink(paths.token)
    },
  }
}
