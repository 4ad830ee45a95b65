/** Peers as the status and the messages speak of them: by name, and as hosts that could or do help. */
import type { PlexiNode, PeerView } from '../node/index.ts'

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
    return new Map(
      this.list()
        .filter(({ name }) => name !== '')
        .map(({ peer, name }) => [peer, name]),
    )
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
}
