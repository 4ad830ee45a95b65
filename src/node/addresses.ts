/**
 * What a multiaddr says about where a peer is: scope, address group, household, own subnet. Pure.
 * Invariant: anything that is not plainly a public IP or DNS name counts as narrower than public.
 */
import { isPrivateIp } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { PlexiError } from '../base/errors.ts'

export type AddressScope = 'loopback' | 'private' | 'public' | 'relayed' | 'none'

/** One subnet of an own network interface, as the system reports it. */
export interface Subnet {
  readonly address: string
  readonly prefixLength: number
}

const MAX_ADDRESS_CHARS = 512
/** As many as an invite carries. */
const MAX_TOLD = 8

/** Parses a multiaddr a person or a peer gave; throws `NETWORK_ADDRESS`. */
export function parseAddress(text: string): Multiaddr {
  try {
    if (text.length > MAX_ADDRESS_CHARS) throw new Error('too long')
    const address = multiaddr(text)
    if (address.getComponents().length === 0) throw new Error('empty')
    return address
  } catch (error) {
    throw new PlexiError('NETWORK_ADDRESS', { address: text.slice(0, 128) }, { cause: error })
  }
}

/** The peer id an address ends with, if it has one. */
export function peerOfAddress(address: Multiaddr | string): string | undefined {
  const parsed = typeof address === 'string' ? parseAddress(address) : address
  return parsed.getComponents().findLast((part) => part.name === 'p2p')?.value
}

/** The address without its trailing `/p2p/…`. */
export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}

export function scopeOf(address: Multiaddr | string): AddressScope {
  const parts = (typeof address === 'string' ? parseAddress(address) : address).getComponents()
  if (parts.some((part) => part.name === 'p2p-circuit')) return 'relayed'
  const host = parts[0]
  if (host?.value === undefined) return 'none'
  if (/^dns/.test(host.name)) return host.value === 'localhost' ? 'loopback' : 'public'
  if (host.name !== 'ip4' && host.name !== 'ip6') return 'none'
  if (isLoopbackIp(host.value)) return 'loopback'
  return isPrivateIp(host.value) === false ? 'public' : 'private'
}

/** The IP of an address, undefined for names and relays. */
export function ipOf(address: string): string | undefined {
  const parts = parseAddress(address).getComponents()
  if (parts.some((part) => part.name === 'p2p-circuit')) return undefined
  const host = parts[0]
  return host !== undefined && (host.name === 'ip4' || host.name === 'ip6') ? host.value : undefined
}

/** Whether every listen address is on loopback; false without any. */
export function loopbackOnly(listen: readonly string[]): boolean {
  return listen.length > 0 && listen.every((address) => scopeOf(address) === 'loopback')
}

/** The addresses of one peer that are worth telling others, the most reachable first. */
export function invitable(addresses: readonly string[]): string[] {
  const rank = { public: 0, relayed: 1, private: 2, loopback: 3, none: 4 } as const
  const ranked = addresses.map((address) => ({ address, rank: rank[scopeOf(address)] }))
  const wide = ranked.filter((each) => each.rank < rank.loopback)
  const chosen = wide.length > 0 ? wide : ranked.filter((each) => each.rank === rank.loopback)
  chosen.sort((a, b) => a.rank - b.rank)
  return chosen.slice(0, MAX_TOLD).map((each) => each.address)
}

/** The unit one operator is likely to own: IPv4 /16 or IPv6 /32. */
export function addressGroup(ip: string): string {
  return networkOf(ip, 16, 32)
}

/** The unit one home is: a public IPv4 address or an IPv6 /56. */
export function household(ip: string): string {
  return networkOf(ip, 32, 56)
}

export function inSubnet(ip: string, subnet: Subnet): boolean {
  const bits = bitsOf(ip)
  const network = bitsOf(subnet.address)
  if (bits.length !== network.length) return false
  return bits.slice(0, subnet.prefixLength) === network.slice(0, subnet.prefixLength)
}

function isLoopbackIp(ip: string): boolean {
  return ip.includes(':') ? bitsOf(ip) === `${'0'.repeat(127)}1` : ip.startsWith('127.')
}

function networkOf(ip: string, v4: number, v6: number): string {
  const bits = bitsOf(ip)
  return bits.length === 32 ? `4:${bits.slice(0, v4)}` : `6:${bits.slice(0, v6)}`
}

/** An IP as a string of 32 or 128 binary digits; mapped IPv4 counts as IPv4. */
function bitsOf(ip: string): string {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip
  if (!plain.includes(':')) {
    return plain
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  }
  const [head = '', tail] = plain.replace(/%.*$/, '').split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const fill = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...fill, ...right].map((part) => parseInt(part, 16).toString(2).padStart(16, '0')).join('')
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
