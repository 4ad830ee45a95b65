/** Subnets of this machine's own interfaces, as the system reports them; loopback left out. */
import { networkInterfaces } from 'node:os'
import type { Subnet } from './addresses.ts'

export function ownSubnets(): Subnet[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter((entry) => !entry.internal && entry.cidr !== null)
    .map((entry) => ({ address: entry.address, prefixLength: Number(entry.cidr?.split('/')[1] ?? 128) }))
}
