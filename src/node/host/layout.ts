/** Where the host's files are. Spec: docs/spec/05-storage-protocol.md § Host store */
import { join } from 'node:path'
import { toHex } from '../../base/bytes.ts'
import type { PeerKey, VaultId } from '../../crypto/ids.ts'
import type { ShardId } from '../../shard/index.ts'

/** Names of shard files and vault directories: 32 bytes in lower-case hex. */
export const HEX_NAME = /^[0-9a-f]{64}$/
export const HEAD_NAME = /^head-([1-9A-HJ-NP-Za-km-z]{40,64})$/

export class HostLayout {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Bodies on their way: whatever is here at start was never acknowledged. */
  get incoming(): string {
    return join(this.root, 'incoming')
  }

  /** Files that have a shard's name but not its length; kept for a human to look at. */
  get damaged(): string {
    return join(this.root, 'damaged')
  }

  get metadata(): string {
    return join(this.root, 'metadata')
  }

  vault(vault: VaultId): string {
    return join(this.root, toHex(vault))
  }

  shard(vault: VaultId, id: ShardId): string {
    return join(this.root, toHex(vault), toHex(id))
  }

  head(vault: VaultId, device: PeerKey): string {
    return join(this.root, toHex(vault), `head-${device}`)
  }

  terms(vault: VaultId): string {
    return join(this.root, toHex(vault), 'terms')
  }

  /** Superseded terms whose longer floor may still be running. */
  longerTerms(vault: VaultId): string {
    return join(this.root, toHex(vault), 'terms-longer')
  }
}
