/**
 * Public face of the daemon room, for the CLI. What needs the network or the engine is loaded when it is called, so that
 * `version` or `status` need not wait for it.
 */
import type { DaemonRequest, ReadyInfo } from './daemon.ts'
import type { RecoverHooks, Recovered } from './identity/recover.ts'
import type { RecoverRequest } from './identity/recover-request.ts'
import type { InitDeps, Initialised } from './identity/init.ts'
import type { JoinRequest } from './identity/join.ts'
import type { CodeHooks, CodeRequest, InitialisedByCode } from './identity/by-code.ts'
import type { AddedDevice, DeviceAddition, VaultWords } from './identity/vault-changes.ts'
import type { SignedRecord } from './identity/vault-record.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { systemClock, systemRandom } from './system/index.ts'

export { readDaemonInfo, type DaemonInfo } from './daemon-info.ts'
export {
  startInBackground,
  stopInBackground,
  runningDaemon,
  type BackgroundDeps,
  type UpRequest,
} from './background.ts'
export { hasVault, requireVault } from './home.ts'
export {
  defaultConfig,
  parseSettings,
  readSettings,
  reservedVariables,
  settingsDefinition,
  type SettingFlags,
  type Settings,
} from './settings.ts'
export { readSecretFile } from './system/secret-file.ts'
export { systemClock, systemDisk, systemRandom } from './system/index.ts'
export type { DaemonRequest, ReadyInfo } from './daemon.ts'
export type { Initialised, InitDeps } from './identity/init.ts'
export type { JoinRequest } from './identity/join.ts'
export type { RecoverHooks, Recovered } from './identity/recover.ts'
export type { RecoverRequest } from './identity/recover-request.ts'

/** `init`: a new vault, or with words a new device of an existing one where members of its circle are known. */
export async function initHome(request: JoinRequest, deps: InitDeps): Promise<Initialised> {
  if (request.phrase !== undefined) {
    const { joinVault } = await import('./identity/join.ts')
    const joined = await joinVault({ ...request, phrase: request.phrase })
    if (joined !== undefined) return joined
  }
  return await (await import('./identity/init.ts')).initHome(request, deps)
}

/** `daemon`: runs until it is told to end; resolves to the exit code. */
export async function runDaemon(request: DaemonRequest, hooks: { ready(info: ReadyInfo): void }): Promise<number> {
  return await (await import('./run.ts')).runDaemon(request, hooks)
}

/** `recover`: see `identity/recover.ts`. */
export async function recoverHome(
  request: RecoverRequest,
  hooks: RecoverHooks,
  signal: AbortSignal,
): Promise<Recovered> {
  return await (await import('./identity/recover.ts')).recoverHome(request, hooks, signal)
}

/** `identity rotate`: what the daemon is given. */
export async function rotatedVault(words: VaultWords): Promise<SignedRecord> {
  return (await import('./identity/vault-changes.ts')).rotated(words, { random: systemRandom, clock: systemClock })
}

/** `identity revoke`: likewise. */
export async function revokedVault(words: VaultWords, serials: readonly number[]): Promise<SignedRecord> {
  const { revoked } = await import('./identity/vault-changes.ts')
  return revoked({ ...words, serials }, { random: systemRandom, clock: systemClock })
}

/** `identity add-device`: likewise, and what the new device is told. */
export async function vaultWithDevice(words: VaultWords, device: DeviceAddition): Promise<AddedDevice> {
  const { withDevice } = await import('./identity/vault-changes.ts')
  return withDevice({ ...words, device }, { random: systemRandom, clock: systemClock })
}

/** The secret of a code that this vault's daemon made. */
export async function deviceCodeSecret(code: string): Promise<Uint8Array> {
  return (await import('../node/index.ts')).decodeDeviceCode(code).token
}

/** `init` with a one-time code: see `identity/by-code.ts`. */
export async function initByCode(
  request: CodeRequest,
  hooks: CodeHooks,
  signal: AbortSignal,
): Promise<InitialisedByCode> {
  return await (await import('./identity/by-code.ts')).initByCode(request, hooks, signal)
}

/** `identity check`: throws `AUTH_PHRASE_MISMATCH`. */
export async function checkWords(words: Pick<VaultWords, 'phrase' | 'vault'>): Promise<void> {
  ;(await import('./identity/vault-changes.ts')).withWords(words, () => undefined)
}

/** The proof that ends the stop after a second fork. Throws `AUTH_PHRASE_MISMATCH`. */
export async function unlockProof(words: Pick<VaultWords, 'phrase' | 'vault'>, peer: PeerKey): Promise<Uint8Array> {
  return (await import('./identity/vault-changes.ts')).unlocked(words, peer, systemClock)
}
