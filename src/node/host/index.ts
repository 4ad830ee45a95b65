/** Public face of the host store, within the node room. */
export { HostStore, type HostedShard, type HostStoreDeps } from './host-store.ts'
export { restHashOf } from './head-shelf.ts'
export type { DeviceHead, HeadToStore, StoredHead } from './head-shelf.ts'
export { hostDefaults, type HostOptions, MAX_HEAD_FILE_BYTES, MAX_RECORD_BYTES, MAX_RECORDS } from './options.ts'
export type { Reservation, Room } from './quota.ts'
export type { RenewalOutcome, RenewalRequest } from './renewal-book.ts'
