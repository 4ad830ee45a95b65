/** Settings as the options of the rooms below. What cannot be set keeps the rooms' own defaults. */
import { networkInterfaces } from 'node:os'
import { apiDefaults, type ApiOptions } from '../api/index.ts'
import { defaultBackupOptions, type BackupOptions } from '../backup/index.ts'
import type { HomePaths } from '../config/home.ts'
import { openAuthority } from '../crypto/authority.ts'
import type { DeviceKeys } from '../crypto/keystore-format.ts'
import type { NodeOptions } from '../node/index.ts'
import type { EventHubOptions } from './event-hub.ts'
import type { Settings } from './settings.ts'

export const eventOptions: EventHubOptions = { maxEvents: 1_000 }

export function nodeOptions(settings: Settings, deviceName: string): NodeOptions {
  const { network, hosting, placement, device } = settings
  return {
    listen: hasIpv6() ? network.listen : network.listen.filter((address) => !address.startsWith('/ip6/::/')),
    bootstrap: network.bootstrap,
    circle: network.circle,
    mdns: network.mdns,
    lan: placement.lan,
    offerBytes: hosting.offer,
    diskReserveShare: hosting.reserve,
    name: device.name === '' ? deviceName : device.name,
  }
}

/** Chunk sizes are the vault's, fixed for its life, not this home's. */
export function backupOptions(settings: Settings, keys: DeviceKeys): BackupOptions {
  const { params } = openAuthority(keys.authority, { key: keys.shared.authority, vault: keys.vault })
  const { outbox, cipher, compression, owners } = settings.backup
  return {
    ...defaultBackupOptions,
    chunk: { minBytes: params.chunkMin, averageBytes: params.chunkAverage, maxBytes: params.chunkMax },
    packer: { ...defaultBackupOptions.packer, suite: cipher === 'aes-256-gcm' ? 1 : 2, level: compression },
    maxOutboxBytes: outbox,
    target: settings.placement.target,
    restoreOwners: owners && process.getuid?.() === 0,
  }
}

/** Machines without IPv6 are told apart here, so that the default may name both. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ family }) => family === 'IPv6') === true)
}

export function apiOptions(settings: Settings, paths: HomePaths): ApiOptions {
  return { ...apiDefaults, socketPath: process.platform === 'win32' ? null : paths.socket, port: settings.api.port }
}
