/**
 * `recover`: an empty machine, the words, and one reachable member become a working device again. It gets its own keys
 * and certificate, finds the newest signed objects, rebuilds the catalogue, and tells the hosts about itself.
 * Spec: docs/spec/04-snapshot-and-head.md § Recovery. The keystore is written once the catalogue is there.
 */
import { deadline, isoTime, MINUTE, SECOND } from '../../base/clock.ts'
import { DirectoryNetwork } from '../../backup/index.ts'
import { isPlexiError, PlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { counted } from '../../base/text.ts'
import type { HomePaths } from '../../config/home.ts'
import { vaultText } from '../../crypto/ids.ts'
import { deriveVault, type VaultSecrets } from '../../crypto/vault-keys.ts'
import type { PlexiNode } from '../../node/index.ts'
import type { FoundHead } from '../../shard/index.ts'
import { LiveSettings } from '../live-settings.ts'
import { openLog } from '../log-sink.ts'
import { systemClock as clock, systemDisk as disk, systemRandom as random } from '../system/index.ts'
import { judgeVault, type FoundVault } from './found-vault.ts'
import { withNewHome, writeConfig } from './init.ts'
import { writeKeystore } from './keystore-file.ts'
import { newDevice, wipeDevice, type NewDeviceKeys } from './new-device.ts'
import type { RecoverRequest } from './recover-request.ts'
import { searchNode } from './search-node.ts'
import { takeOver } from './take-over.ts'

export interface RecoverHooks {
  /** What happens, for people. */
  readonly note: (level: 'info' | 'warning', text: string) => void
}

export interface Recovered {
  readonly vault: string
  readonly peerId: string
  readonly headSeq: number
  /** RFC 3339. */
  readonly headTime: string
  /** Members that answered. */
  readonly sources: number
  readonly snapshots: number
  /** Hosts already know this device and its head; else the daemon tells them later. */
  readonly published: boolean
}

const SEARCH_MS = MINUTE
const SEARCH_PAUSE_MS = 500
/** Fewer sources could all be late, or all be one. */
const ENOUGH_SOURCES = 3
/** Beside a remote members are asked for so long, where their addresses are known and where not. */
const BESIDE_MS = 15 * SECOND
const ALONE_MS = 3 * SECOND
/** With some sources but not enough, others get at least this long to show something newer. */
const LINGER_MS = 1.5 * SECOND

/** Throws `SYSTEM_ALREADY_INITIALISED`, `AUTH_PHRASE_INVALID`, `NETWORK_NO_BOOTSTRAP`, `STORAGE_NO_HEAD`. */
export async function recoverHome(
  request: RecoverRequest,
  hooks: RecoverHooks,
  signal: AbortSignal,
): Promise<Recovered> {
  process.umask(0o077)
  const secrets = deriveVault(request.phrase)
  const device = newDevice(secrets, request.name, { clock, random })
  try {
    return await withNewHome(request.paths, { disk }, () => recover({ request, hooks, secrets, device }, signal))
  } finally {
    wipeDevice(device)
    secrets.wipe()
  }
}

interface Recovery {
  readonly request: RecoverRequest
  readonly hooks: RecoverHooks
  readonly secrets: VaultSecrets
  readonly device: NewDeviceKeys
}

async function recover(recovery: Recovery, signal: AbortSignal): Promise<Recovered> {
  const { request, hooks, secrets, device } = recovery
  const { paths, env, bootstrap, invite } = request
  await clearCatalogue(paths)
  await writeConfig(request, { disk })
  const settings = await LiveSettings.read(disk, { configPath: paths.config, env })
  const { log, logService } = openLog(paths.logFile, settings)
  const search = searchNode({ paths, settings: settings.values, secrets, device, bootstrap, invite }, log)
  const { node } = search
  try {
    await node.start()
    if (invite !== undefined) await present(node, { invite, hooks, log }, signal)
    const heads = await gatherHeads(node, { request, hooks, known: search.bootstrap.length > 0 }, signal)
    const found = judgeVault(heads, secrets)
    if (found === undefined) throw new PlexiError('STORAGE_NO_HEAD')
    warn(found, hooks)
    const { keys, adopted, publish } = await takeOver(
      { request, secrets, device, found, heads, settings, log, node, setTerms: search.setTerms },
      signal,
    )
    for (const { text } of adopted.alarms) hooks.note('warning', text)
    await rememberMembers(settings, search)
    await writeKeystore(paths, { keys, passphrase: request.passphrase }, { disk, random })
    const published = await publish(signal)
    if (!published) hooks.note('warning', 'no host has taken the new head yet; the daemon goes on trying')
    log.info('recovered', { sources: found.sources, snapshots: adopted.snapshots })
    return {
      vault: vaultText(secrets.vault),
      peerId: device.peer,
      headSeq: adopted.headSeq,
      headTime: isoTime(adopted.headTime),
      sources: found.sources,
      snapshots: adopted.snapshots,
      published,
    }
  } finally {
    await node.stop()
    await logService.stop()
  }
}

/** What an interrupted attempt left. There is no vault here yet, so nothing of it can be of use. */
async function clearCatalogue({ catalog, index, outbox }: HomePaths): Promise<void> {
  for (const path of [catalog, `${catalog}-wal`, `${catalog}-shm`]) await disk.unlink(path)
  for (const path of [index, outbox]) await disk.removeTree(path)
  await disk.mkdir(outbox)
}

/** Being vouched for is welcome, not needed: what an invite is good for here are its addresses. */
async function present(
  node: PlexiNode,
  { invite, hooks, log }: { invite: string; hooks: RecoverHooks; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  try {
    const { name } = await node.membership.join(invite, signal)
    hooks.note('info', `joined${name === '' ? '' : ` ${name}`}`)
  } catch (error) {
    signal.throwIfAborted()
    log.warn('the invite was not taken', { error })
    hooks.note('warning', 'the invite was not taken; its addresses are used all the same')
  }
}

/** From remotes first; then others may still know something newer, but need not answer. */
async function gatherHeads(
  node: PlexiNode,
  { request, hooks, known }: { request: RecoverRequest; hooks: RecoverHooks; known: boolean },
  signal: AbortSignal,
): Promise<FoundHead[]> {
  const here: FoundHead[] = []
  for (const directory of request.remotes ?? []) {
    const found = await new DirectoryNetwork({ directory }, { disk, clock }).findHeads()
    if (found.length === 0)
      throw new PlexiError('STORAGE_NO_HEAD', {}, { message: `no head of a vault lies in ${directory}` })
    hooks.note('info', `${counted(found.length, 'head')} found in ${directory}`)
    here.push(...found)
  }
  const searchMs = request.searchMs ?? SEARCH_MS
  if (here.length === 0) return findHeads(node, searchMs, signal)
  try {
    return [...here, ...(await findHeads(node, Math.min(searchMs, known ? BESIDE_MS : ALONE_MS), signal))]
  } catch (error) {
    signal.throwIfAborted()
    if (!isPlexiError(error)) throw error
    hooks.note('info', 'no member answered; what lies on the remote is taken')
    return here
  }
}

async function findHeads(node: PlexiNode, searchMs: number, signal: AbortSignal): Promise<FoundHead[]> {
  const limit = deadline(clock, searchMs, signal)
  const begun = clock.elapsed()
  let best: FoundHead[] = []
  try {
    while (!limit.signal.aborted) {
      const heads = await node.network.findHeads(limit.signal)
      const known = sourcesOf(best)
      if (sourcesOf(heads) >= known) best = heads
      const sources = sourcesOf(best)
      const settled = sources > 0 && sources === known && clock.elapsed() - begun > LINGER_MS
      if (sources >= ENOUGH_SOURCES || settled) return best
      await clock.sleep(SEARCH_PAUSE_MS, limit.signal)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!limit.signal.aborted) throw error
  } finally {
    limit.clear()
  }
  if (best.length > 0) return best
  throw new PlexiError(node.net.status().connections > 0 ? 'STORAGE_NO_HEAD' : 'NETWORK_NO_BOOTSTRAP')
}

function sourcesOf(heads: readonly FoundHead[]): number {
  return new Set(heads.map(({ source }) => source)).size
}

function warn({ sources, disagreement }: FoundVault, { note }: RecoverHooks): void {
  if (sources < ENOUGH_SOURCES)
    note('warning', `only ${counted(sources, 'place')} had a head of this vault; others may know something newer`)
  if (disagreement) note('warning', 'members hold different authorities of the same version: check your devices')
}

/** So that the daemon finds its way back without being told again. */
async function rememberMembers(
  settings: LiveSettings,
  search: { bootstrap: readonly string[]; circle: string },
): Promise<void> {
  const { bootstrap, circle } = settings.values.network
  const addresses = [...new Set([...bootstrap, ...search.bootstrap])]
  await settings.change({
    ...(addresses.length > bootstrap.length ? { 'network.bootstrap': addresses } : {}),
    ...(circle === search.circle ? {} : { 'network.circle': search.circle }),
  })
}
