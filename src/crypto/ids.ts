/** Branded identifiers of people and devices. Spec: docs/spec/01-keys.md */
import { base58 } from '@scure/base'
import { concat, toHex } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'

declare const brand: unique symbol

/** 32 bytes: the Ed25519 public key of a vault. Towards hosts this is the owner, in chat the person. */
export type VaultId = Uint8Array & { readonly [brand]: 'VaultId' }
/** The libp2p peer id of a device in its base58 text form (`12D3Koo…`). */
export type PeerKey = string & { readonly [brand]: 'PeerKey' }

/** An Ed25519 peer id is the identity multihash of the protobuf-wrapped public key (libp2p peer-ids spec). */
const ED25519_PEER_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

export function vaultId(bytes: Uint8Array): VaultId {
  if (bytes.length !== 32) throw new PlexiError('VALIDATION_FORMAT', { expected: 'a vault id of 32 bytes' })
  return bytes as VaultId
}

export function vaultText(vault: VaultId): string {
  return toHex(vault)
}

/** Peer id of an Ed25519 public key (32 bytes). */
export function peerKeyOf(publicKey: Uint8Array): PeerKey {
  return base58.encode(concat(ED25519_PEER_PREFIX, publicKey)) as PeerKey
}

/** Inverse of `peerKeyOf`; throws `VALIDATION_FORMAT` for anything but an Ed25519 peer id. */
export function publicKeyOfPeer(peer: string): Uint8Array {
  const bytes = decodePeer(peer)
  if (bytes?.length !== 38 || !ED25519_PEER_PREFIX.every((byte, i) => bytes[i] === byte)) {
    throw new PlexiError('VALIDATION_FORMAT', { expected: 'an Ed25519 peer id' })
  }
  return bytes.subarray(6)
}

export function peerKey(text: string): PeerKey {
  publicKeyOfPeer(text)
  return text as PeerKey
}

function decodePeer(text: string): Uint8Array | undefined {
  try {
    return text.length > 64 ? undefined : base58.decode(text)
  } catch {
    return undefined
  }
}
