/** Public face of the storage protocols, within the node room. */
export type { Admission, Applicant, Standing } from './admission.ts'
export type { Call, Credentials } from './call.ts'
export {
  createHandlers,
  DEVICE_PROTOCOL,
  type HandlerDeps,
  JOIN_PROTOCOL,
  OFFER_PROTOCOL,
  SHARD_PROTOCOL,
  type StorageProtocol,
} from './create-handlers.ts'
export { askForDevice, type NewKeys } from './device-client.ts'
export { hostFault, isPassing } from './errors.ts'
export type { HostIdentity } from './handlers/host-context.ts'
export type { DeviceAnswer, DeviceDesk, ProvenAsk } from './handlers/device.ts'
export type { Guest, InviteBook, Welcome } from './handlers/join.ts'
export { type HostingTerms, leaseDaysOf } from './handlers/offer.ts'
export { getHeads, type HeadPut, type HostedHead, putHead } from './head-client.ts'
export { joinCircle, type Joining } from './join-client.ts'
export { getOffer, type Offer } from './offer-client.ts'
export { callDefaults, type CallOptions, MAX_IDS, serveDefaults, type ServeOptions } from './options.ts'
export { openReceipt, signReceipt } from './receipt.ts'
export {
  getShard,
  hasShards,
  type Owner,
  putShard,
  releaseShards,
  type Renewing,
  renewLeases,
  restoreReleased,
  type ShardPresence,
  type ShardPut,
} from './shard-client.ts'
export type { ProtocolHandler, WirePeer, WireStream } from './wire.ts'
