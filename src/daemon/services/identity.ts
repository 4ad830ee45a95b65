/** Who this device is, and the devices of its vault. Nothing here needs the words, nothing here shows a key. */
import type { Device as ApiDevice, Identity, IdentityService, RecoveryKit } from '../../api/index.ts'
import { toBase64Url } from '../../base/bytes.ts'
import { isoTime, type Clock } from '../../base/clock.ts'
import { openAuthority, type Authority } from '../../crypto/authority.ts'
import { vaultText } from '../../crypto/ids.ts'
import { openTerms } from '../../crypto/terms.ts'
import type { Device } from '../identity/device.ts'

export interface IdentityDeps {
  readonly device: Device
  readonly lock: 'passphrase' | 'key'
  readonly clock: Clock
  /** The circle in force and how others reach this node. */
  readonly network: () => { circle: string; key: Uint8Array | undefined; addresses: readonly string[] }
}

export class DeviceIdentity implements IdentityService {
  readonly #deps: IdentityDeps
  readonly #authority: Authority

  constructor(deps: IdentityDeps) {
    this.#deps = deps
    const { vault, shared, authority } = deps.device.keys
    this.#authority = openAuthority(authority, { key: shared.authority, vault })
  }

  async show(): Promise<Identity> {
    const { keys, certificate } = this.#deps.device
    return {
      vault: vaultText(keys.vault),
      peerId: certificate.peer,
      name: keys.name,
      serial: certificate.serial,
      grants: [...certificate.grants],
      notAfter: isoTime(certificate.notAfter),
      epochs: keys.epochs.length,
      floorDays: openTerms(keys.terms, keys.vault).floorDays,
      devices: this.#authority.devices.length - this.#authority.revoked.length,
      lock: this.#deps.lock,
    }
  }

  async kit(): Promise<RecoveryKit> {
    const { circle, key, addresses } = this.#deps.network()
    const { keys } = this.#deps.device
    return {
      vault: vaultText(keys.vault),
      circle,
      key: key === undefined ? null : toBase64Url(key),
      addresses: [...addresses],
      name: keys.name,
      created: isoTime(this.#deps.clock.now()),
    }
  }

  devices(): ApiDevice[] {
    const { serial } = this.#deps.device.certificate
    return this.#authority.devices.map(({ name, content }) => ({
      peer: content.peer,
      name,
      serial: content.serial,
      grants: [...content.grants],
      current: content.serial === serial,
      revoked: this.#authority.revoked.includes(content.serial),
    }))
  }
}
