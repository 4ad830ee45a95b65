/**
 * The found vault becomes this device's: authority version + 1 lists it, the catalogue is rebuilt from the heads, and a
 * head of its own tells the hosts. Revoking the others comes after reading what they wrote.
 */
import { BackupEngine, type Adoption } from '../../backup/index.ts'
import { deadline, MINUTE } from '../../base/clock.ts'
import { toPlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { noMetrics } from '../../base/metrics.ts'
import { addDevice, revokeDevices, type AuthorityVersion } from '../../crypto/authority.ts'
import type { DeviceKeys } from '../../crypto/keystore-format.ts'
import { signTerms } from '../../crypto/terms.ts'
import type { VaultSecrets } from '../../crypto/vault-keys.ts'
import type { PlexiNode } from '../../node/index.ts'
import type { FoundHead } from '../../shard/index.ts'
import type { LiveSettings } from '../live-settings.ts'
import { backupOptions } from '../options.ts'
import { systemClock as clock, systemDisk as disk, systemRandom as random, systemThreads } from '../system/index.ts'
import { deviceOf } from './device.ts'
import type { FoundVault } from './found-vault.ts'
import { deviceKeys, type NewDeviceKeys } from './new-device.ts'
import type { RecoverRequest } from './recover-request.ts'

export interface TakeOver {
  readonly request: RecoverRequest
  readonly secrets: VaultSecrets
  readonly device: NewDeviceKeys
  readonly found: FoundVault
  readonly heads: readonly FoundHead[]
  readonly settings: LiveSettings
  readonly log: Logger
  readonly node: PlexiNode
  readonly setTerms: (terms: Uint8Array) => void
}

export interface TakenOver {
  /** What belongs into the keystore. */
  readonly keys: DeviceKeys
  readonly adopted: Adoption
  /** Leaves the new head with hosts; false when none took it in time. */
  readonly publish: (signal: AbortSignal) => Promise<boolean>
}

const PUBLISH_MS = MINUTE

export async function takeOver(work: TakeOver, signal: AbortSignal): Promise<TakenOver> {
  const { request, secrets, device, found, heads } = work
  const deps = { random, clock }
  const added = addDevice(secrets, found.authority.bytes, { ...deps, device })
  const adopted = await withEngine(
    work,
    deviceKeys(secrets, device, { version: added, terms: found.terms.bytes }),
    (engine) => engine.adopt(heads, signal),
  )
  const signed = request.revokeOthers ? revokeOthers(work, added) : { version: added, terms: found.terms.bytes }
  work.setTerms(signed.terms)
  const keys = deviceKeys(secrets, device, signed)
  return { keys, adopted, publish: (inner) => publish(work, keys, inner) }
}

/** Every other device: its rights by the terms, what comes from now on by a new epoch. */
function revokeOthers(
  { secrets, device, found }: TakeOver,
  added: AuthorityVersion,
): { version: AuthorityVersion; terms: Uint8Array } {
  const { devices, revoked } = added.authority
  const serials = devices.map(({ content }) => content.serial).filter((serial) => serial !== device.serial)
  const fresh = serials.filter((serial) => !revoked.includes(serial))
  const { version, floorDays, revokedSerials } = found.terms.content
  return {
    version: fresh.length === 0 ? added : revokeDevices(secrets, added.bytes, { random, clock, serials: fresh }),
    terms: signTerms(secrets.sign, {
      version: version + 1,
      floorDays,
      revokedSerials: [...new Set([...revokedSerials, ...serials])],
    }),
  }
}

async function publish(work: TakeOver, keys: DeviceKeys, signal: AbortSignal): Promise<boolean> {
  const limit = deadline(clock, PUBLISH_MS, signal)
  try {
    return await withEngine(work, keys, async (engine) => {
      for await (const event of engine.drain(limit.signal)) {
        if (event.type === 'summary') return event.headHosts > 0
      }
      return false
    })
  } catch (error) {
    signal.throwIfAborted()
    work.log.warn('the new head was not published', { error: toPlexiError(error) })
    return false
  } finally {
    limit.clear()
  }
}

async function withEngine<T>(
  { request, settings, log, node }: TakeOver,
  keys: DeviceKeys,
  use: (engine: BackupEngine) => Promise<T>,
): Promise<T> {
  const engine = new BackupEngine(backupOptions(settings.values, keys), {
    ...{ disk, clock, random, log: log.child({ room: 'backup' }), metrics: noMetrics },
    network: node.network,
    threads: systemThreads,
    keys: deviceOf(keys).engine,
    home: request.paths,
  })
  await engine.open()
  try {
    for (const path of request.remotes ?? []) await engine.remotes.add(path)
    await engine.remotes.look()
    return await use(engine)
  } finally {
    await engine.close()
  }
}
