/**
 * The vault's authority and terms on this device: newer ones come from whoever typed the words in, or with the heads of
 * other devices. Spec: docs/spec/01-keys.md § Authority. Invariants: only a successor that the vault signed replaces what
 * is known; the keystore is on disk before anything is done by it; a write-only device keeps the newest epoch key alone.
 */
import { equal } from '../../base/bytes.ts'
import { isPlexiError, PlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import {
  checkSuccessor,
  epochKeysForDevice,
  openAuthority,
  type Authority,
  type EpochKey,
} from '../../crypto/authority.ts'
import type { DeviceKeys } from '../../crypto/keystore-format.ts'
import { openTerms, supersedes } from '../../crypto/terms.ts'
import type { FoundHead } from '../../shard/index.ts'
import type { Device } from './device.ts'

export interface SignedRecord {
  /** Sealed. */
  readonly authority: Uint8Array
  /** Signed. */
  readonly terms: Uint8Array
}

export interface VaultRecordDeps {
  readonly device: Device
  readonly engine: { rekeyed(signal: AbortSignal): Promise<void> }
  /** Writes the keystore. */
  readonly save: (keys: DeviceKeys) => Promise<void>
  /** Something is newer: heads and terms have to go to hosts. */
  readonly changed: () => void
  readonly log: Logger
}

export class VaultRecord {
  readonly #deps: VaultRecordDeps
  #working: Promise<unknown> = Promise.resolve()
  #opened: { readonly bytes: Uint8Array; readonly authority: Authority } | undefined

  constructor(deps: VaultRecordDeps) {
    this.#deps = deps
  }

  /** Opened once for as long as it is the newest: it is asked for every second, and opening it checks signatures. */
  get authority(): Authority {
    const { authority: bytes } = this.#deps.device.keys
    if (this.#opened?.bytes !== bytes) this.#opened = { bytes, authority: this.#open(bytes) }
    return this.#opened.authority
  }

  get signed(): SignedRecord {
    const { authority, terms } = this.#deps.device.keys
    return { authority, terms }
  }

  /** What the words made. Throws `SECURITY_ROLLBACK` for what does not follow, `SECURITY_*` for what is not the vault's. */
  change(next: SignedRecord, signal: AbortSignal): Promise<void> {
    return this.#alone(async () => {
      const { keys } = this.#deps.device
      checkSuccessor(
        { bytes: keys.authority, authority: this.authority },
        { bytes: next.authority, authority: this.#open(next.authority) },
      )
      await this.#take(this.#newer(next), signal)
    })
  }

  /** What heads of other devices bring along. Anything that is not newer and the vault's own is passed over. */
  learn(found: readonly FoundHead[], signal: AbortSignal): Promise<boolean> {
    return this.#alone(async () => {
      const before = this.signed
      let next = before
      for (const { bundle } of found) {
        const known = { bytes: next.authority, authority: this.#open(next.authority) }
        const authority = this.#follows(known, bundle.authority) ? bundle.authority : next.authority
        next = { authority, terms: this.#newerTerms(next.terms, bundle.terms) }
      }
      const news = !equal(next.authority, before.authority) || !equal(next.terms, before.terms)
      if (news) await this.#take(next, signal)
      return news
    })
  }

  /** A write-only device that was stopped between two steps drops what it should not have any more. */
  settle(signal: AbortSignal): Promise<void> {
    return this.#alone(async () => {
      if (this.#kept(this.#deps.device.keys.epochs).length < this.#deps.device.keys.epochs.length)
        await this.#take(this.signed, signal)
    })
  }

  async #take(next: SignedRecord, signal: AbortSignal): Promise<void> {
    const { device, engine, save, changed, log } = this.#deps
    const { keys } = device
    const authority = this.#open(next.authority)
    const mine = epochKeysForDevice(keys.dhSecret, device.certificate.serial, authority)
    const epochs = union(keys.epochs, mine)
    // First with everything: what waits here is sealed under older keys still.
    await this.#use({ ...keys, ...next, epochs }, save)
    await engine.rekeyed(signal)
    // Only now is there a head to be published: who is told before finds nothing to do.
    changed()
    const kept = this.#kept(epochs)
    if (kept.length < epochs.length) await this.#use({ ...device.keys, epochs: kept }, save)
    log.info('the vault has a newer record', { version: authority.version, epoch: authority.epochs.length })
  }

  async #use(keys: DeviceKeys, save: (keys: DeviceKeys) => Promise<void>): Promise<void> {
    await save(keys)
    this.#deps.device.replace(keys)
  }

  #kept(epochs: readonly EpochKey[]): readonly EpochKey[] {
    return this.#deps.device.certificate.grants.includes('fetch') ? epochs : epochs.slice(-1)
  }

  #newer(next: SignedRecord): SignedRecord {
    const terms = this.#newerTerms(this.signed.terms, next.terms)
    if (!equal(terms, next.terms)) {
      const { vault } = this.#deps.device.keys
      const version = (bytes: Uint8Array): number => openTerms(bytes, vault).version
      const [offered, known] = [version(next.terms), version(this.signed.terms)]
      throw new PlexiError('SECURITY_ROLLBACK', { what: 'terms', offered, known })
    }
    return next
  }

  #newerTerms(known: Uint8Array, offered: Uint8Array): Uint8Array {
    const { vault } = this.#deps.device.keys
    try {
      return supersedes(openTerms(known, vault), openTerms(offered, vault)) ? offered : known
    } catch (error) {
      if (isPlexiError(error)) return known
      throw error
    }
  }

  #follows(known: { bytes: Uint8Array; authority: Authority }, bytes: Uint8Array): boolean {
    if (equal(known.bytes, bytes)) return false
    try {
      const authority = this.#open(bytes)
      return authority.version > known.authority.version && checkSuccessor(known, { bytes, authority }) === 'newer'
    } catch (error) {
      if (!isPlexiError(error)) throw error
      this.#deps.log.warn('a member holds an authority that does not follow', { code: error.code })
      return false
    }
  }

  #open(bytes: Uint8Array): Authority {
    const { shared, vault } = this.#deps.device.keys
    return openAuthority(bytes, { key: shared.authority, vault })
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(work, work)
    this.#working = done.catch(() => undefined)
    return done
  }
}

function union(known: readonly EpochKey[], found: readonly EpochKey[]): EpochKey[] {
  const all = new Map([...known, ...found].map((entry) => [entry.epoch, entry]))
  return [...all.values()].sort((a, b) => a.epoch - b.epoch)
}
