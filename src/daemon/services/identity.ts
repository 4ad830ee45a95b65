/**
 * Who this device is, and the devices of its vault. Nothing here needs the words: what they make comes signed, from
 * whoever typed them in. Nothing here shows a key.
 */
import type {
  Device as ApiDevice,
  DeviceCodeAnswer,
  DeviceCodeAnswered,
  DeviceCodeOpened,
  DeviceCodeState,
  DeviceSync,
  Identity,
  IdentityService,
  RecoveryKit,
  VaultRecordChange,
  VaultRecordChanged,
  VaultRecordInfo,
} from '../../api/index.ts'
import type { BackupEngine } from '../../backup/index.ts'
import { fromBase64Url, toBase64Url } from '../../base/bytes.ts'
import { deadline, isoTime, MINUTE, SECOND, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { vaultText } from '../../crypto/ids.ts'
import { openTerms } from '../../crypto/terms.ts'
import type { PlexiNode } from '../../node/index.ts'
import type { HeadWatch } from '../head-watch.ts'
import type { Device } from '../identity/device.ts'
import { openUnlock } from '../identity/unlock.ts'
import type { VaultRecord } from '../identity/vault-record.ts'
import type { TermsTeller } from '../terms-teller.ts'

export interface IdentityDeps {
  readonly device: Device
  readonly record: VaultRecord
  readonly engine: Pick<BackupEngine, 'others' | 'status' | 'clearFork' | 'snapshots'>
  readonly node: Pick<PlexiNode, 'peer' | 'deviceCodes'>
  readonly heads: Pick<HeadWatch, 'look'>
  readonly teller: Pick<TermsTeller, 'tell'>
  readonly lock: 'passphrase' | 'key'
  readonly clock: Clock
  /** The circle in force and how others reach this node. */
  readonly network: () => { circle: string; key: Uint8Array | undefined; addresses: readonly string[] }
}

/** How long hosts are waited for that are told of newer terms; the others are told later. */
const TELL_MS = 20 * SECOND
const PROOF_LIFE_MS = 10 * MINUTE

export class DeviceIdentity implements IdentityService {
  readonly #deps: IdentityDeps

  constructor(deps: IdentityDeps) {
    this.#deps = deps
  }

  async show(): Promise<Identity> {
    const { device, record, lock } = this.#deps
    const { keys, certificate } = device
    const { devices, revoked } = record.authority
    return {
      vault: vaultText(keys.vault),
      peerId: certificate.peer,
      name: keys.name,
      serial: certificate.serial,
      grants: [...certificate.grants],
      notAfter: isoTime(certificate.notAfter),
      epochs: keys.epochs.length,
      floorDays: openTerms(keys.terms, keys.vault).floorDays,
      devices: devices.length - revoked.length,
      lock,
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
    const { device, record, engine } = this.#deps
    const { devices, revoked } = record.authority
    const heads = new Map(engine.others().map((other) => [other.device, other]))
    const { headSeq, headTime } = engine.status()
    return devices.map(({ name, content, time }) => {
      const current = content.serial === device.certificate.serial
      const head = heads.get(content.peer)
      const seen = current ? headTime : (head?.time ?? null)
      return {
        peer: content.peer,
        name,
        serial: content.serial,
        grants: [...content.grants],
        current,
        revoked: revoked.includes(content.serial),
        writeOnly: !content.grants.includes('fetch'),
        added: isoTime(time),
        headSeq: current ? (headSeq === 0 ? null : headSeq) : (head?.seq ?? null),
        headTime: seen === null ? null : isoTime(seen),
        snapshots: current ? null : (head?.snapshots ?? 0),
      }
    })
  }

  async record(): Promise<VaultRecordInfo> {
    const { authority, terms } = this.#deps.record.signed
    const { forked } = this.#deps.engine.status()
    return { authority: toBase64Url(authority), terms: toBase64Url(terms), forked }
  }

  async changeRecord(change: VaultRecordChange, signal: AbortSignal): Promise<VaultRecordChanged> {
    const { record, teller, device, clock } = this.#deps
    await record.change({ authority: fromBase64Url(change.authority), terms: fromBase64Url(change.terms) }, signal)
    const limit = deadline(clock, TELL_MS, signal)
    try {
      const { told, missing } = await teller.tell(limit.signal)
      const { version, epochs } = record.authority
      const termsVersion = openTerms(device.keys.terms, device.keys.vault).version
      return { version, epoch: epochs.length, termsVersion, told, missing: [...missing] }
    } finally {
      limit.clear()
    }
  }

  async openCode(lifeMs: number): Promise<DeviceCodeOpened> {
    const { id, code, expires, warnings } = this.#deps.node.deviceCodes.open(lifeMs)
    return { id, code, expires: isoTime(expires), warnings: [...warnings] }
  }

  async code(id: string): Promise<DeviceCodeState> {
    const { asked, answered, taken } = this.#deps.node.deviceCodes.state(id)
    const by = asked === undefined ? null : { peer: asked.peer, name: asked.name, dh: toBase64Url(asked.dh) }
    return { asked: by, answered, taken }
  }

  async answerCode(id: string, answer: DeviceCodeAnswer, signal: AbortSignal): Promise<DeviceCodeAnswered> {
    const { node, record } = this.#deps
    const [authority, terms] = [fromBase64Url(answer.authority), fromBase64Url(answer.terms)]
    const { asked, answered } = node.deviceCodes.state(id)
    if (asked === undefined || answered) throw new PlexiError('VALIDATION_USAGE', { reason: 'nobody waits for this' })
    // The vault knows the device before the device knows itself: it is never told of rights that hosts cannot see.
    await record.change({ authority, terms }, signal)
    node.deviceCodes.answer(id, { welcome: fromBase64Url(answer.welcome), authority, terms })
    return { version: record.authority.version }
  }

  async closeCode(id: string): Promise<void> {
    this.#deps.node.deviceCodes.close(id)
  }

  async sync(signal: AbortSignal): Promise<DeviceSync> {
    const adoption = await this.#deps.heads.look(signal)
    return { news: adoption?.news ?? 0, snapshots: this.#deps.engine.status().snapshots }
  }

  async unlock(proof: string): Promise<void> {
    const { device, engine, clock } = this.#deps
    const { peer, time } = openUnlock(fromBase64Url(proof), device.keys.vault)
    const fresh = Math.abs(clock.now() - time) < PROOF_LIFE_MS
    if (peer !== device.certificate.peer || !fresh)
      throw new PlexiError('AUTH_FORBIDDEN', { reason: 'the proof is of another device, or too old' })
    engine.clearFork()
  }
}
