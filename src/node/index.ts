/** Public face of the node room: one device among its peers. */
export { loopbackOnly, parseAddress } from './addresses.ts'
export { becomeDevice, rememberCircle } from './ask-device.ts'
export { checkCircleName, MAIN_CIRCLE, type Circle, type CircleBook } from './circles.ts'
export {
  decodeDeviceCode,
  deviceCodeHost,
  type CodeDesk,
  type DeviceCode,
} from './device-desk.ts'
export type { Hosting, HostedVault, HostingSummary } from './hosting.ts'
export type { HostedShard } from './host/index.ts'
export { decodeInvite, type Invite, type OpenInvite } from './invites.ts'
export type { Joined, Membership, NewInvite } from './membership.ts'
export type { NetCheck, NetReport, NetStatus } from './net-report.ts'
export type { NodeDeps, NodeIdentity } from './node-parts.ts'
export { PlexiNode, PROTOCOL_VERSION } from './node.ts'
export { defaultLimits, type NodeLimits, type NodeOptions } from './options.ts'
export { openReceipt, type DeviceAnswer } from './protocols/index.ts'
export type { SeedProgress, SeedSummary } from './seed-adoption.ts'
export type { PeerDirectory, PeerView, PingResult } from './peers/peer-directory.ts'
export type { KnownOffer, KnownPeer } from './peers/peer-table.ts'
