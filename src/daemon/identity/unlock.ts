/** The word of whoever has the words that one device may go on after it forked twice. Signed, so that it cannot be made up. */
import * as z from 'zod'
import { decodeAs, encode, peerField, uint, vaultField } from '../../crypto/codec.ts'
import { vaultId, type PeerKey, type VaultId } from '../../crypto/ids.ts'
import { openEnvelope, signEnvelope, type SigningKey } from '../../crypto/signature.ts'

const limits = { what: 'an unlock', maxBytes: 1024 }

const unlockSchema = z.strictObject({
  v: z.literal(1),
  verb: z.literal('unlock'),
  vault: vaultField,
  peer: peerField,
  time: uint,
})

/** `sign` is the vault key; `time` ms since 1970. */
export function signUnlock(sign: SigningKey, content: { peer: PeerKey; time: number }): Uint8Array {
  const { peer, time } = content
  return signEnvelope(sign, 'request', encode({ v: 1, verb: 'unlock', vault: vaultId(sign.publicKey), peer, time }))
}

/** Throws `SECURITY_SIGNATURE` unless this vault signed it, `VALIDATION_*` when malformed. */
export function openUnlock(bytes: Uint8Array, vault: VaultId): { peer: PeerKey; time: number } {
  const { peer, time } = decodeAs(
    unlockSchema,
    openEnvelope(bytes, { ...limits, publicKey: vault, domain: 'request' }),
    limits,
  )
  return { peer, time }
}
