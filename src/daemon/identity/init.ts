/**
 * `init`: a new vault, or a new device of an existing one. The keystore is written last: a home either holds a complete
 * identity or none, and `init` may be run again after any interruption.
 */
import { utf8, wipe } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { bytesText } from '../../config/quantity.ts'
import type { HomePaths } from '../../config/home.ts'
import { editToml } from '../../config/toml-edit.ts'
import { createAuthority } from '../../crypto/authority.ts'
import { vaultText } from '../../crypto/ids.ts'
import { MIN_FLOOR_DAYS } from '../../crypto/options.ts'
import { newPhrase } from '../../crypto/phrase.ts'
import { signTerms } from '../../crypto/terms.ts'
import { deriveVault, type VaultSecrets } from '../../crypto/vault-keys.ts'
import { hasVault, prepareHome } from '../home.ts'
import { lockHome } from '../lock.ts'
import { defaultConfig, MAX_CONFIG_BYTES, parseSettings } from '../settings.ts'
import { writeKeystore } from './keystore-file.ts'
import { deviceKeys, newDevice, wipeDevice } from './new-device.ts'

export interface InitRequest {
  readonly paths: HomePaths
  /** Of this device. */
  readonly name: string
  /** Written into `config.toml` when given. */
  readonly offerBytes?: number
  /** The words of an existing vault. */
  readonly phrase?: string
  /** Seals the keystore; without one a key file does. */
  readonly passphrase?: Uint8Array
}

export interface InitDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
}

export interface Initialised {
  readonly vault: string
  readonly peerId: string
  /** 24 words. Shown once, stored nowhere. */
  readonly phrase: string
}

/** Throws `SYSTEM_ALREADY_INITIALISED`, `SYSTEM_LOCKED`, `AUTH_PHRASE_INVALID`, `CONFIG_*`. */
export async function initHome(request: InitRequest, deps: InitDeps): Promise<Initialised> {
  const { paths } = request
  const phrase = request.phrase ?? newPhrase(deps.random)
  const secrets = deriveVault(phrase)
  try {
    return await withNewHome(paths, deps, async () => {
      await writeConfig(request, deps)
      const peerId = await writeFirstDevice(secrets, request, deps)
      return { vault: vaultText(secrets.vault), peerId, phrase }
    })
  } finally {
    secrets.wipe()
  }
}

/** Runs `work` on a home without a vault, prepared and locked. */
export async function withNewHome<T>(paths: HomePaths, deps: { disk: Disk }, work: () => Promise<T>): Promise<T> {
  if (await hasVault(deps.disk, paths)) throw new PlexiError('SYSTEM_ALREADY_INITIALISED', { home: paths.root })
  await prepareHome(deps.disk, paths)
  const lock = await lockHome(deps.disk, paths)
  try {
    // Somebody may have finished while we waited.
    if (await hasVault(deps.disk, paths)) throw new PlexiError('SYSTEM_ALREADY_INITIALISED', { home: paths.root })
    return await work()
  } finally {
    lock.release()
  }
}

/** The annotated default file where there is none, with the offer if one was given. */
export async function writeConfig(
  request: { readonly paths: HomePaths; readonly offerBytes?: number },
  { disk }: { disk: Disk },
): Promise<void> {
  const { paths, offerBytes } = request
  const there = (await disk.stat(paths.config)) !== undefined
  const before = there ? (await disk.readFile(paths.config, MAX_CONFIG_BYTES)).toString('utf8') : defaultConfig()
  const offer = offerBytes === undefined ? undefined : JSON.stringify(bytesText(offerBytes))
  const text = offer === undefined ? before : editToml(before, { section: 'hosting', key: 'offer' }, offer)
  parseSettings(text, { configPath: paths.config, env: {} })
  if (!there || text !== before) await disk.writeFileAtomic(paths.config, utf8(text))
}

async function writeFirstDevice(secrets: VaultSecrets, request: InitRequest, deps: InitDeps): Promise<string> {
  const device = newDevice(secrets, request.name, deps)
  try {
    const version = createAuthority(secrets, device, deps)
    const terms = signTerms(secrets.sign, { version: 1, floorDays: MIN_FLOOR_DAYS, revokedSerials: [] })
    const keys = deviceKeys(secrets, device, { version, terms })
    await writeKeystore(request.paths, { keys, passphrase: request.passphrase }, deps)
    wipe(...version.epochs.map(({ key }) => key))
    return device.peer
  } finally {
    wipeDevice(device)
  }
}
