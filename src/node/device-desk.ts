/**
 * One-time codes for new devices of the own vault (docs/spec/06-dht-records.md, device codes): made here, asked for over
 * the device protocol, answered by whoever has the words. Only in memory: a restart ends them. Invariant: one code is
 * open at a time, it is of use to the first peer that proves to know it alone, and a few wrong proofs end it.
 */
import { equal, equalSecret, fromHex, toHex, wipe } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { deviceCodeId, deviceProof } from '../crypto/device-code.ts'
import type { PeerKey, VaultId } from '../crypto/ids.ts'
import { invitable } from './addresses.ts'
import { codeHost, decodeCode, encodeCode, type CircleCode, type CodeKind } from './codes.ts'
import { reachWarnings } from './membership.ts'
import { deviceCodeLimits, inviteFormat } from './options.ts'
import type { DeviceAnswer, DeviceDesk, NewKeys, ProvenAsk } from './protocols/index.ts'

export type DeviceCode = CircleCode

const kind: CodeKind = { prefix: 'plexidev1', what: 'a device code', error: 'SECURITY_DEVICE_CODE' }

/** Throws `SECURITY_DEVICE_CODE` for anything that is not exactly a code. */
export function decodeDeviceCode(code: string): DeviceCode {
  return decodeCode(kind, code)
}

/** The device a code leads to. */
export function deviceCodeHost(code: DeviceCode): { peer: PeerKey; addresses: string[] } {
  return codeHost(kind, code)
}

export interface OpenedCode {
  readonly id: string
  /** Shown once. */
  readonly code: string
  /** Milliseconds since 1970. */
  readonly expires: number
  /** What may keep the new device from reaching this one. */
  readonly warnings: readonly string[]
}

export interface CodeState {
  /** Who proved to have the code. */
  readonly asked: NewKeys | undefined
  readonly answered: boolean
  /** The answer has gone out. */
  readonly taken: boolean
}

export interface CodeDeskDeps {
  readonly clock: Clock
  readonly random: Random
  readonly self: PeerKey
  readonly vault: VaultId
  readonly circle: string
  readonly circleKey: Uint8Array | undefined
  /** Own multiaddrs with `/p2p/`. */
  readonly addresses: () => string[]
}

interface Pending {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  /** By the monotonic clock. */
  readonly until: number
  wrongProofs: number
  asked: NewKeys | undefined
  answer: DeviceAnswer | undefined
  taken: boolean
}

export class CodeDesk implements DeviceDesk {
  readonly #deps: CodeDeskDeps
  #pending: Pending | undefined
  /** Why the last code ended, for whoever waits on it. */
  #ended: { readonly id: string; readonly reason: string } | undefined

  constructor(deps: CodeDeskDeps) {
    this.#deps = deps
  }

  /** A new code; one that was open ends. Throws `NETWORK_ADDRESS` where this node listens nowhere. */
  open(lifeMs: number): OpenedCode {
    const { clock, random, vault, circle, circleKey } = this.#deps
    const addresses = invitable(this.#deps.addresses())
    if (addresses.length === 0) throw new PlexiError('NETWORK_ADDRESS', { address: 'this node listens nowhere' })
    this.#end('another one was made')
    const secret = random.bytes(inviteFormat.tokenBytes)
    const id = deviceCodeId(secret)
    const until = clock.elapsed() + lifeMs
    this.#pending = { id, secret, until, wrongProofs: 0, asked: undefined, answer: undefined, taken: false }
    const key = circleKey === undefined ? {} : { key: circleKey }
    const code = encodeCode(kind, { circle, addresses, vault, token: secret, ...key })
    return { id: toHex(id), code, expires: clock.now() + lifeMs, warnings: reachWarnings(addresses) }
  }

  ask(asked: ProvenAsk): DeviceAnswer | undefined {
    const pending = this.#current()
    // Whoever does not even know which code is open cannot use up its attempts.
    if (pending === undefined || !equalSecret(pending.id, asked.code)) throw notValid('unknown, expired or used up')
    const { peer, dh, name, proof } = asked
    if (!equalSecret(deviceProof(pending.secret, { host: this.#deps.self, peer, dh, name }), proof)) {
      pending.wrongProofs++
      if (pending.wrongProofs >= deviceCodeLimits.wrongProofs) this.#end('too many wrong attempts')
      throw notValid('unknown, expired or used up')
    }
    if (pending.asked !== undefined && !sameKeys(pending.asked, asked)) throw notValid('unknown, expired or used up')
    pending.asked = { peer, dh, name }
    if (pending.answer !== undefined) pending.taken = true
    return pending.answer
  }

  /** Throws `SECURITY_DEVICE_CODE` with the reason once the code has ended. */
  state(id: string): CodeState {
    const { asked, answer, taken } = this.#find(id)
    return { asked, answered: answer !== undefined, taken }
  }

  /** Lets the device that asked have this. Its code goes on until it ends, for this device alone, should it ask again. */
  answer(id: string, answer: DeviceAnswer): void {
    const pending = this.#find(id)
    if (pending.asked === undefined || pending.answer !== undefined)
      throw new PlexiError('VALIDATION_USAGE', { reason: 'nobody waits for an answer to this code' })
    pending.answer = answer
  }

  close(id: string): void {
    if (this.#pending !== undefined && toHex(this.#pending.id) === id) this.#end('it was called off')
  }

  #find(id: string): Pending {
    const pending = this.#current()
    if (pending !== undefined && equal(pending.id, fromHex(id))) return pending
    throw notValid(this.#ended?.id === id ? this.#ended.reason : 'unknown')
  }

  #current(): Pending | undefined {
    if (this.#pending !== undefined && this.#deps.clock.elapsed() >= this.#pending.until) this.#end('it expired')
    return this.#pending
  }

  #end(reason: string): void {
    if (this.#pending === undefined) return
    const { id, secret } = this.#pending
    wipe(secret)
    this.#ended = { id: toHex(id), reason }
    this.#pending = undefined
  }
}

function sameKeys(a: NewKeys, b: NewKeys): boolean {
  return a.peer === b.peer && a.name === b.name && equal(a.dh, b.dh)
}

function notValid(reason: string): PlexiError {
  return new PlexiError('SECURITY_DEVICE_CODE', { reason })
}
