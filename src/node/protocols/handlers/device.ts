/** device: somebody with a one-time code asks to become a device of this vault. Spec: docs/spec/05-storage-protocol.md § device */
import type { DeviceAsk } from '../../../crypto/device-code.ts'
import type { Exchange } from '../exchange.ts'
import { decodeRequest, deviceRequest } from '../messages.ts'

/** A request, and what is to prove it. */
export interface ProvenAsk extends Omit<DeviceAsk, 'host'> {
  /** Which code, 8 bytes. */
  readonly code: Uint8Array
  /** 32 bytes. */
  readonly proof: Uint8Array
}

export interface DeviceAnswer {
  /** Sealed to the new device by whoever has the words. */
  readonly welcome: Uint8Array
  /** Sealed; lists the new device. */
  readonly authority: Uint8Array
  readonly terms: Uint8Array
}

/** Open codes. */
export interface DeviceDesk {
  /** Undefined while nobody has answered. Throws `SECURITY_DEVICE_CODE`. */
  ask(asked: ProvenAsk): DeviceAnswer | undefined
}

export async function handleDevice(payload: Uint8Array, exchange: Exchange, desk: DeviceDesk): Promise<void> {
  const { code, proof, dh, name } = decodeRequest(deviceRequest, payload, 'device request')
  const answer = desk.ask({ peer: exchange.from.peer, code, proof, dh, name })
  if (answer === undefined) {
    await exchange.answer('device', { ok: true, ready: false })
    return
  }
  const { welcome, authority, terms } = answer
  const lengths = { authorityBytes: authority.length, termsBytes: terms.length }
  await exchange.answer('device', { ok: true, ready: true, welcome, ...lengths })
  await exchange.body(authority)
  await exchange.body(terms)
}
