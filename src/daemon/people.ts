/** Peers as the status and the messages speak of them: by name, and as hosts that could or do help. */
import { REMOTE_PEER } from '../backup/index.ts'
import { PlexiError } from '../base/errors.ts'
import type { PeerView, PlexiNode } from '../node/index.ts'

export class People {
  readonly #node: Pick<PlexiNode, 'peers'>

  constructor(node: Pick<PlexiNode, 'peers'>) {
    this.#node = node
  }

  /** Everybody known, blocked ones included. */
  list(): PeerView[] {
    return this.#node.peers.list()
  }

  /** What a person or the peer itself calls it; null for strangers without a name. */
  nameOf(peer: string): string | null {
    return this.names().get(peer) ?? null
  }

  names(): Map<string, string> {
    const named = this.list().filter(({ name }) => name !== '')
    return new Map([[REMOTE_PEER, 'a remote'], ...named.map(({ peer, name }): [string, string] => [peer, name])])
  }

  online(): Set<string> {
    return new Set(
      this.list()
        .filter(({ online }) => online)
        .map(({ peer }) => peer),
    )
  }

  /** Who would take shards of ours now. */
  eligible(): string[] {
    return this.list()
      .filter(({ eligible }) => eligible)
      .map(({ peer }) => peer)
  }

  /** Members that are there and refuse this device because its vault revoked it. */
  revokedBy(): string[] {
    return this.list()
      .filter(({ online, lastFault }) => online && lastFault === 'AUTH_REVOKED')
      .map(({ peer }) => peer)
  }

  /** Throws `AUTH_REVOKED` where everybody who could take something refuses this device. */
  checkWelcome(): void {
    if (this.eligible().length === 0 && this.revokedBy().length > 0) throw new PlexiError('AUTH_REVOKED')
  }
}
