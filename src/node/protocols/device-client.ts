/** Asking to become a device of somebody's vault, with their code. Spec: docs/spec/05-storage-protocol.md § device */
import { deviceCodeId, deviceProof } from '../../crypto/device-code.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { type Call, converse } from './call.ts'
import type { DeviceAnswer } from './handlers/device.ts'

/** Public halves of the new device's keys. */
export interface NewKeys {
  readonly peer: PeerKey
  readonly dh: Uint8Array
  /** At most 64 bytes. */
  readonly name: string
}

/** Undefined while nobody has said yes: ask again. Throws `SECURITY_DEVICE_CODE`. */
export function askForDevice(call: Call, asking: NewKeys & { secret: Uint8Array }): Promise<DeviceAnswer | undefined> {
  const { secret, peer, dh, name } = asking
  const proof = deviceProof(secret, { host: call.host, peer, dh, name })
  return converse(call, 'answerMs', async (conversation) => {
    await conversation.send({ verb: 'ask', code: deviceCodeId(secret), proof, dh, name })
    const answer = await conversation.answer('device')
    if (!answer.ready) return undefined
    const authority = await conversation.receive(answer.authorityBytes)
    const terms = await conversation.receive(answer.termsBytes)
    return { welcome: answer.welcome, authority, terms }
  })
}
