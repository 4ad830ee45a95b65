/** Peers, invites, circles, network, hosting and this vault's identity. */
import * as z from 'zod'
import { DAY, MINUTE } from '../../base/clock.ts'
import { hexId, peerId, probability, text, time, uint } from './common.ts'

export const peer = z.object({
  peer: peerId,
  vault: hexId.nullable(),
  name: z.string().nullable(),
  vouched: z.boolean(),
  state: z.enum(['newcomer', 'vetted', 'trusted', 'suspended', 'evicted', 'blocked']),
  online: z.boolean(),
  score: probability,
  availability: probability,
  /** Bytes I hold for it. */
  given: uint,
  /** Bytes it holds for me. */
  received: uint,
  /** The address it was last seen at. */
  address: z.string().nullable(),
  lastSeen: time.nullable(),
  /** What it offers in total and has left for me; null until asked. */
  offered: uint.nullable(),
  free: uint.nullable(),
  /** Limit I set for it; null: the general rules. */
  quota: uint.nullable(),
})
export type Peer = z.output<typeof peer>

export const peerPing = z.object({
  peer: peerId,
  ok: z.boolean(),
  ms: z.number().nullable(),
  address: z.string().nullable(),
})
export type PeerPing = z.output<typeof peerPing>

export const multiaddrText = z.string().min(1).max(1024)

export const invite = z.object({
  id: z.string(),
  uses: uint,
  used: uint,
  created: time,
  expires: time,
})
export type Invite = z.output<typeof invite>

/** `code` is shown once. `warnings` say what would keep others from reaching this node. */
export const newInvite = invite.extend({
  code: z.string(),
  addresses: z.array(z.string()),
  warnings: z.array(z.string()),
})
export type NewInvite = z.output<typeof newInvite>

export const inviteRequest = z.strictObject({
  uses: z.int().min(1).max(1000).default(1),
  expiresMs: z
    .int()
    .min(60_000)
    .max(366 * 86_400_000)
    .default(7 * 86_400_000),
})
export type InviteRequest = z.output<typeof inviteRequest>

export const joined = z.object({
  circle: z.string(),
  /** Who invited, and vouches from now on. */
  peer: peerId,
  vault: hexId,
  name: z.string().nullable(),
  /** The daemon must be restarted to enter the circle. */
  restart: z.boolean(),
})
export type Joined = z.output<typeof joined>

export const circle = z.object({
  circle: z.string(),
  name: z.string().nullable(),
  current: z.boolean(),
  private: z.boolean(),
  peers: uint,
  /** The daemon must be restarted to enter or leave it. */
  restart: z.boolean(),
})
export type Circle = z.output<typeof circle>

export const network = z.object({
  peer: peerId,
  circle: z.string(),
  /** Addresses listened on and those others may dial, each with `/p2p/`. */
  listen: z.array(z.string()),
  addresses: z.array(z.string()),
  connections: uint,
  dht: z.object({ protocol: z.string(), mode: z.enum(['server', 'client']), peers: uint, records: uint }),
  bootstrap: z.array(z.string()),
})
export type Network = z.output<typeof network>

/** One line per thing looked at; `remedy` is null where all is well. */
export const networkCheck = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), text, remedy: z.string().nullable() })),
})
export type NetworkCheck = z.output<typeof networkCheck>

export const hosting = z.object({
  /** Bytes offered in total; 0 lends nothing. */
  offer: uint,
  used: uint,
  free: uint,
  /** Set when nothing can be taken, with the reason. */
  full: z.string().nullable(),
  vaults: z.array(
    z.object({
      vault: hexId,
      peer: peerId.nullable(),
      name: z.string().nullable(),
      vouched: z.boolean(),
      shards: uint,
      bytes: uint,
      released: uint,
      leaseUntil: time.nullable(),
      lastRenewed: time.nullable(),
    }),
  ),
})
export type Hosting = z.output<typeof hosting>

export const identity = z.object({
  vault: hexId,
  peerId,
  name: z.string(),
  serial: uint,
  grants: z.array(z.string()),
  notAfter: time,
  epochs: uint,
  floorDays: uint,
  devices: uint,
  /** How the keystore is locked at rest. */
  lock: z.enum(['passphrase', 'key']),
})
export type Identity = z.output<typeof identity>

/** Everything but the words that a recovery needs. `key` is the circle's pre-shared key (base64url), null for open ones. */
export const recoveryKit = z.object({
  vault: hexId,
  circle: z.string(),
  key: z.string().nullable(),
  addresses: z.array(z.string()),
  name: z.string(),
  created: time,
})
export type RecoveryKit = z.output<typeof recoveryKit>

export const device = z.object({
  peer: peerId,
  name: z.string(),
  serial: uint,
  grants: z.array(z.string()),
  current: z.boolean(),
  revoked: z.boolean(),
  /** It may store, and neither fetch nor read what is older than its epoch. */
  writeOnly: z.boolean(),
  added: time,
  /** Its newest head known here; null before the first. */
  headSeq: uint.nullable(),
  headTime: time.nullable(),
  /** Snapshots that head names; null for this device. */
  snapshots: uint.nullable(),
})
export type Device = z.output<typeof device>

/** Base64url. */
const signedBytes = z.string().max(512 * 1024)

/** The vault's own record as this device knows it: sealed and signed, no secret. */
export const vaultRecord = z.object({
  authority: signedBytes,
  terms: signedBytes,
  /** Backups wait for the words: this device forked twice within a day. */
  forked: z.boolean(),
})
export type VaultRecordInfo = z.output<typeof vaultRecord>

/** A newer one, made by whoever has the words. */
export const vaultRecordChange = z.strictObject({ authority: signedBytes, terms: signedBytes })
export type VaultRecordChange = z.output<typeof vaultRecordChange>

export const vaultRecordChanged = z.object({
  version: uint,
  epoch: uint,
  termsVersion: uint,
  /** Hosts that have seen the terms, and those that did not answer: they are told when they are back. */
  told: uint,
  missing: z.array(peerId),
})
export type VaultRecordChanged = z.output<typeof vaultRecordChanged>

/** `proof`: `{v, vault, device, time}` signed by the vault key, domain `request`. */
export const deviceUnlock = z.strictObject({ proof: z.string().max(4096) })

/** How long a code may be good for. */
export const deviceCodeOpen = z.strictObject({ expiresMs: z.int().min(MINUTE).max(DAY) })

export const deviceCodeOpened = z.object({
  id: z.string(),
  /** Shown once; works once. */
  code: z.string(),
  expires: time,
  warnings: z.array(z.string()),
})
export type DeviceCodeOpened = z.output<typeof deviceCodeOpened>

export const deviceCodeState = z.object({
  /** Who proved to have the code; `dh` in base64url. */
  asked: z.object({ peer: peerId, name: z.string(), dh: z.string() }).nullable(),
  answered: z.boolean(),
  /** The new device has its answer. */
  taken: z.boolean(),
})
export type DeviceCodeState = z.output<typeof deviceCodeState>

/** A record that lists the new device, and what is sealed to it. */
export const deviceCodeAnswer = z.strictObject({
  authority: signedBytes,
  terms: signedBytes,
  welcome: z.string().max(8 * 1024),
})
export type DeviceCodeAnswer = z.output<typeof deviceCodeAnswer>

export const deviceCodeAnswered = z.object({ version: uint })
export type DeviceCodeAnswered = z.output<typeof deviceCodeAnswered>

export const deviceSync = z.object({
  /** Devices whose head was new here. */
  news: uint,
  snapshots: uint,
})
export type DeviceSync = z.output<typeof deviceSync>
