/**
 * Becoming a member and letting others in (docs/spec/06-dht-records.md, invites): codes made here, codes taken up
 * elsewhere, and the server half of the join protocol. Invariant: a join vouches on both sides or on neither.
 */
import { equal, toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { PeerKey, VaultId } from '../crypto/ids.ts'
import { invitable, loopbackOnly, scopeOf, withoutPeer } from './addresses.ts'
import type { CircleBook } from './circles.ts'
import type { DialPolicy } from './dial-policy.ts'
import { decodeInvite, encodeInvite, inviter, type Invite, type InviteBook, type OpenInvite } from './invites.ts'
import type { PeerTable } from './peers/peer-table.ts'
import { JOIN_PROTOCOL, joinCircle, type Guest, type InviteBook as JoinDesk, type Welcome } from './protocols/index.ts'
import type { PeerLinks } from './transfer/peer-links.ts'

export interface MembershipOptions {
  readonly circle: string
  readonly circleKey: Uint8Array | undefined
  readonly name: string
}

export interface MembershipDeps {
  readonly invites: InviteBook
  readonly circles: CircleBook
  readonly table: PeerTable
  readonly links: PeerLinks
  readonly policy: DialPolicy
  readonly clock: Clock
  readonly log: Logger
  readonly vault: VaultId
  readonly certificate: () => Uint8Array
  /** Own multiaddrs with `/p2p/`. */
  readonly addresses: () => string[]
  /** Somebody is vouched for now: what it offers may have changed with that. */
  readonly befriended: (peer: PeerKey, addresses: readonly string[]) => void
}

export interface NewInvite extends OpenInvite {
  /** Shown once. */
  readonly code: string
  readonly addresses: readonly string[]
  /** What may keep others from reaching this node. */
  readonly warnings: readonly string[]
}

export interface Joined {
  readonly circle: string
  readonly peer: PeerKey
  readonly vault: VaultId
  readonly name: string
  /** The node has to be started in the other circle; with a key, the invite is presented only then. */
  readonly restart: boolean
}

export class Membership implements JoinDesk {
  readonly #options: MembershipOptions
  readonly #deps: MembershipDeps

  constructor(options: MembershipOptions, deps: MembershipDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** A code for friends. Without an address nobody could use it: `NETWORK_ADDRESS`. */
  invite(terms: { uses: number; expiresMs: number }): NewInvite {
    const { invites, vault } = this.#deps
    const addresses = invitable(this.#deps.addresses())
    if (addresses.length === 0) throw new PlexiError('NETWORK_ADDRESS', { address: 'this node listens nowhere' })
    const { token, ...open } = invites.open(terms)
    const { circle, circleKey } = this.#options
    const key = circleKey === undefined ? {} : { key: circleKey }
    const code = encodeInvite({ circle, addresses, vault, token, ...key })
    return { ...open, code, addresses, warnings: reachWarnings(addresses) }
  }

  invites(): OpenInvite[] {
    return this.#deps.invites.list()
  }

  /** Takes up a code. Throws `SECURITY_INVITE`, or `NETWORK_UNREACHABLE` when none of its addresses answers. */
  async join(code: string, signal: AbortSignal): Promise<Joined> {
    const invite = decodeInvite(code)
    const restart = invite.circle !== this.#options.circle
    if (equal(invite.vault, this.#deps.vault)) throw new PlexiError('SECURITY_INVITE', { reason: 'it is your own' })
    for (const address of invite.addresses) this.#deps.policy.allow(address)
    const reachable = sameKey(invite.key, this.#options.circleKey)
    const { circle: id, key, addresses: bootstrap } = invite
    this.#deps.circles.add({
      id,
      bootstrap,
      ...(key === undefined ? {} : { key }),
      ...(reachable ? {} : { pending: code }),
    })
    // Behind another key nobody answers yet: the code waits until the node is in that circle.
    if (reachable) return { ...(await this.#present(invite, signal)), restart }
    return { circle: invite.circle, peer: inviter(invite).peer, vault: invite.vault, name: '', restart: true }
  }

  /** Presents the invite that waited for this circle, if there is one; false when it failed and should be tried again. */
  async settle(signal: AbortSignal): Promise<boolean> {
    const { circles, log } = this.#deps
    const pending = circles.get(this.#options.circle)?.pending
    if (pending === undefined) return true
    try {
      const { peer } = await this.#present(decodeInvite(pending), signal)
      log.info('joined the circle', { peer })
    } catch (error) {
      if (!(error instanceof PlexiError) || error.code !== 'SECURITY_INVITE') return false
      log.warn('the invite is not valid any more', { error })
    }
    circles.settled(this.#options.circle)
    return true
  }

  async redeem(token: Uint8Array, guest: Guest): Promise<Welcome> {
    const { invites, table, policy, certificate, addresses } = this.#deps
    if (!invites.redeem(token)) throw new PlexiError('SECURITY_INVITE', { reason: 'unknown, expired or used up' })
    table.introduced(guest.peer, { vault: toHex(guest.vault), name: guest.name })
    table.vouch(guest.peer, true)
    table.seenAt(guest.peer, guest.addresses.filter((address) => safelyDialled(policy, address)).map(withoutPeer))
    this.#deps.befriended(guest.peer, [])
    return { certificate: certificate(), name: this.#options.name, addresses: invitable(addresses()) }
  }

  async #present(invite: Invite, signal: AbortSignal): Promise<Omit<Joined, 'restart'>> {
    const { links, clock, certificate, table } = this.#deps
    const { peer, addresses } = inviter(invite)
    const stream = await links.open({ peer, addresses }, JOIN_PROTOCOL, signal)
    const welcome = await joinCircle(
      { stream, host: peer, clock, signal },
      {
        token: invite.token,
        certificate: certificate(),
        name: this.#options.name,
        addresses: invitable(this.#deps.addresses()),
      },
    )
    if (!equal(welcome.vault, invite.vault))
      throw new PlexiError('SECURITY_INVITE', { reason: 'another vault answered' })
    table.introduced(peer, { vault: toHex(welcome.vault), name: welcome.name })
    table.vouch(peer, true)
    table.seenAt(peer, addresses)
    this.#deps.befriended(peer, addresses)
    return { circle: invite.circle, peer, vault: welcome.vault, name: welcome.name }
  }
}

/** What may keep others from reaching a node at these addresses. */
export function reachWarnings(addresses: readonly string[]): string[] {
  if (addresses.some((address) => scopeOf(address) === 'public')) return []
  if (loopbackOnly(addresses)) return ['this node listens on loopback alone: only this machine can use the invite']
  return ['no public address is known: only machines on the same network can use the invite']
}

function safelyDialled(policy: DialPolicy, address: string): boolean {
  try {
    return policy.mayDial(address)
  } catch {
    return false
  }
}

function sameKey(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equal(a, b)
}
