/**
 * `identity/keystore` on disk. Sealed under a passphrase, or under the random key in `identity/keystore.key` so that a
 * daemon can start unattended. Both are written atomically with mode 0600; neither secret ever leaves a buffer.
 */
import { wipe } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import type { HomePaths } from '../../config/home.ts'
import { keystoreLockKind, openKeystore, sealKeystore, type DeviceKeys } from '../../crypto/keystore-format.ts'
import { MAX_KEYSTORE_BYTES } from '../../crypto/options.ts'
import { readSecretFile } from '../system/secret-file.ts'

export interface KeystoreDeps {
  readonly disk: Disk
  readonly random: Random
}

const KEY_BYTES = 32

/** Seals under `passphrase`, else under the home's key file, which is made where there is none. */
export async function writeKeystore(
  paths: HomePaths,
  content: { keys: DeviceKeys; passphrase: Uint8Array | undefined },
  deps: KeystoreDeps,
): Promise<void> {
  const { keys, passphrase } = content
  if (passphrase !== undefined) {
    await deps.disk.writeFileAtomic(paths.keystore, sealKeystore(keys, { passphrase }, deps.random))
    return
  }
  const key = (await keyFile(paths, deps)) ?? (await newKeyFile(paths, deps))
  try {
    await deps.disk.writeFileAtomic(paths.keystore, sealKeystore(keys, { key }, deps.random))
  } finally {
    wipe(key)
  }
}

/** Throws `SYSTEM_NOT_INITIALISED`, `AUTH_PASSPHRASE_REQUIRED`, `AUTH_PASSPHRASE_WRONG`. */
export async function readKeystore(
  paths: HomePaths,
  passphrase: Uint8Array | undefined,
  deps: KeystoreDeps,
): Promise<DeviceKeys> {
  const bytes = await keystoreBytes(paths, deps)
  if (keystoreLockKind(bytes) === 'passphrase') {
    if (passphrase === undefined) throw new PlexiError('AUTH_PASSPHRASE_REQUIRED')
    return openKeystore(bytes, { passphrase })
  }
  const key = await keyFile(paths, deps)
  if (key === undefined) throw new PlexiError('AUTH_PASSPHRASE_WRONG', {}, { message: `${paths.keyFile} is missing` })
  try {
    return openKeystore(bytes, { key })
  } finally {
    wipe(key)
  }
}

/** How the home's keystore is locked. */
export async function lockKind(paths: HomePaths, deps: KeystoreDeps): Promise<'passphrase' | 'key'> {
  return keystoreLockKind(await keystoreBytes(paths, deps))
}

/** The passphrase of the file that `$PLEXICHAT_PASSPHRASE_FILE` names. */
export async function passphraseFrom(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Uint8Array | undefined> {
  const path = env['PLEXICHAT_PASSPHRASE_FILE']
  return path === undefined || path === '' ? undefined : (await readSecretFile(path)).bytes
}

async function keystoreBytes(paths: HomePaths, { disk }: KeystoreDeps): Promise<Buffer> {
  if ((await disk.stat(paths.keystore)) === undefined) {
    throw new PlexiError('SYSTEM_NOT_INITIALISED', { home: paths.root })
  }
  return await disk.readFile(paths.keystore, MAX_KEYSTORE_BYTES)
}

async function keyFile(paths: HomePaths, { disk }: KeystoreDeps): Promise<Uint8Array | undefined> {
  if ((await disk.stat(paths.keyFile)) === undefined) return undefined
  return await disk.readFile(paths.keyFile, KEY_BYTES)
}

async function newKeyFile(paths: HomePaths, { disk, random }: KeystoreDeps): Promise<Uint8Array> {
  const key = random.bytes(KEY_BYTES)
  await disk.writeFileAtomic(paths.keyFile, key)
  return key
}
