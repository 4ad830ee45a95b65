/**
 * `init` with a one-time code: this machine becomes a device of an existing vault without ever seeing the words
 * (docs/spec/06-dht-records.md, device codes). Its keys are made here; the vault's answer holds what a device of its
 * grants keeps. Invariant: the keystore is written last, and only with what the code's vault signed for these very keys.
 */
import { equal } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Environment, HomePaths } from '../../config/home.ts'
import { epochKeysForDevice, openAuthority } from '../../crypto/authority.ts'
import { openCertificate } from '../../crypto/certificate.ts'
import { openWelcome, type DeviceAsk } from '../../crypto/device-code.ts'
import { exchangePublicKey } from '../../crypto/hybrid.ts'
import { vaultText } from '../../crypto/ids.ts'
import type { DeviceKeys } from '../../crypto/keystore-format.ts'
import { openTerms } from '../../crypto/terms.ts'
import { becomeDevice, decodeDeviceCode, deviceCodeHost, rememberCircle, type DeviceAnswer } from '../../node/index.ts'
import type { DeviceCode } from '../../node/index.ts'
import { LiveSettings } from '../live-settings.ts'
import { systemClock as clock, systemDisk as disk, systemRandom as random } from '../system/index.ts'
import { withNewHome, writeConfig } from './init.ts'
import { writeKeystore } from './keystore-file.ts'
import { freshKeys, wipeDevice, type FreshKeys } from './new-device.ts'

export interface CodeRequest {
  readonly paths: HomePaths
  readonly env: Environment
  readonly code: string
  /** What this machine calls itself; the vault may call it otherwise. */
  readonly name: string
  readonly offerBytes?: number
  readonly passphrase?: Uint8Array
}

export interface CodeHooks {
  /** The other device is reached and waits for its owner to say yes. */
  readonly waiting: (peer: string) => void
}

export interface InitialisedByCode {
  readonly vault: string
  readonly peerId: string
  readonly name: string
  readonly grants: readonly string[]
}

/** Throws `SYSTEM_ALREADY_INITIALISED`, `SECURITY_DEVICE_CODE`, `NETWORK_UNREACHABLE`. */
export async function initByCode(
  request: CodeRequest,
  hooks: CodeHooks,
  signal: AbortSignal,
): Promise<InitialisedByCode> {
  process.umask(0o077)
  const code = decodeDeviceCode(request.code)
  const device = freshKeys(request.name, { random })
  try {
    return await withNewHome(request.paths, { disk }, () => becomeIn({ request, hooks, code, device }, signal))
  } finally {
    wipeDevice(device)
  }
}

interface Becoming {
  readonly request: CodeRequest
  readonly hooks: CodeHooks
  readonly code: DeviceCode
  readonly device: FreshKeys
}

async function becomeIn({ request, hooks, code, device }: Becoming, signal: AbortSignal): Promise<InitialisedByCode> {
  const { paths, env, passphrase } = request
  await writeConfig(request, { disk })
  const settings = await LiveSettings.read(disk, { configPath: paths.config, env })
  const { peer, peerSeed, dhSecret, name } = device
  const host = deviceCodeHost(code).peer
  let told = false
  const waiting = (): void => {
    if (!told) hooks.waiting(peer)
    told = true
  }
  const asking = { peer, peerSeed, name, dh: exchangePublicKey(dhSecret), code }
  const answer = await becomeDevice(asking, { clock, waiting }, signal)
  const { keys, grants } = keysFrom(answer, { code, host, device })
  await rememberCircle(code, { peersDb: paths.peersDb, disk, clock, random })
  if (settings.values.network.circle !== code.circle) await settings.change({ 'network.circle': code.circle })
  await writeKeystore(paths, { keys, passphrase }, { disk, random })
  return { vault: vaultText(keys.vault), peerId: peer, name: keys.name, grants }
}

/** Throws `SECURITY_*`, `AUTH_CERTIFICATE`, `VALIDATION_*` for anything but what the code's vault made for this device. */
function keysFrom(
  { welcome, authority, terms }: DeviceAnswer,
  { code, host, device }: { code: DeviceCode; host: DeviceAsk['host']; device: FreshKeys },
): { keys: DeviceKeys; grants: readonly string[] } {
  const { vault } = code
  const { peer, peerSeed, dhSecret } = device
  const dh = exchangePublicKey(dhSecret)
  const ask = { host, peer, dh, name: device.name }
  const opened = openWelcome(welcome, { secret: code.token, vault, ask, dhSecret })
  const { certificate, shared, kemPublic, name } = opened
  const content = openCertificate(certificate)
  const mine = equal(content.vault, vault) && content.peer === peer && equal(content.dh, dh)
  if (!mine) throw new PlexiError('SECURITY_DEVICE_CODE', { reason: 'the answer is for another device' })
  openTerms(terms, vault)
  const epochs = epochKeysForDevice(
    dhSecret,
    content.serial,
    openAuthority(authority, { key: shared.authority, vault }),
  )
  if (epochs.length === 0) throw new PlexiError('SECURITY_DEVICE_CODE', { reason: 'the answer holds no key' })
  const keys = { name, vault, peerSeed, dhSecret, certificate, shared, epochs, authority, terms, kemPublic }
  return { keys, grants: content.grants }
}
