/**
 * Fields and rules of the authority's payload. Spec: docs/spec/01-keys.md § Authority
 *
 * Invariant: what is written obeys every rule that reading enforces (`checkAuthority` runs on both ways).
 */
import * as z from 'zod'
import { equal, MiB } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import { openCertificate, type Certificate } from './certificate.ts'
import { bytesOf, bytesUpTo, decodeAs, encode, textUpTo, uint, uintUpTo, vaultField } from './codec.ts'
import { DEVICE_WRAP_BYTES, HYBRID_WRAP_BYTES, WRAP_BYTES } from './epoch-wrap.ts'
import type { VaultId } from './ids.ts'
import {
  MAX_AUTHORITY_BYTES,
  MAX_CERTIFICATE_BYTES,
  MAX_DEVICES,
  MAX_EPOCHS,
  MAX_NAME_BYTES,
  MAX_REVOKED,
} from './options.ts'
import type { Suite } from './seal.ts'

/** Fixed for the life of a vault; sizes in bytes. */
export interface VaultParams {
  readonly suite: Suite
  readonly shardBytes: number
  readonly chunkMin: number
  readonly chunkAverage: number
  readonly chunkMax: number
}

export interface AuthorityEpoch {
  /** From 1, without gaps. */
  readonly epoch: number
  readonly time: number
  readonly wrap: Uint8Array
  readonly hybrid: Uint8Array
  /** Serials ascending. */
  readonly devices: readonly { readonly serial: number; readonly box: Uint8Array }[]
}

export interface AuthorityDevice {
  readonly name: string
  /** The envelope as issued. */
  readonly certificate: Uint8Array
  readonly time: number
  /** What the certificate says. */
  readonly content: Certificate
}

export interface Authority {
  readonly v: 1
  readonly vault: VaultId
  readonly version: number
  /** `authorityHash` of the version before; null in the first. */
  readonly prev: Uint8Array | null
  readonly params: VaultParams
  readonly epochs: readonly AuthorityEpoch[]
  /** Revoked ones included, in order of addition. */
  readonly devices: readonly AuthorityDevice[]
  /** Serials, ascending. */
  readonly revoked: readonly number[]
}

export const defaultParams: VaultParams = {
  suite: 1,
  shardBytes: MiB,
  chunkMin: 16_384,
  chunkAverage: 65_536,
  chunkMax: 262_144,
}

export function encodeAuthority(authority: Authority): Uint8Array {
  const { v, vault, version, prev, params, revoked } = authority
  const epochs = authority.epochs.map(({ epoch, time, wrap, hybrid, devices }) => {
    return { epoch, time, wrap, hybrid, devices: devices.map(({ serial, box }) => [serial, box]) }
  })
  const devices = authority.devices.map(({ name, certificate, time }) => ({ name, certificate, time }))
  return encode({ v, vault, version, prev, params: { ...params }, epochs, devices, revoked })
}

/** Throws `VALIDATION_DECODE` for wrong fields, broken rules, another vault's payload or certificates. */
export function decodeAuthority(payload: Uint8Array, vault: VaultId): Authority {
  const raw = decodeAs(authoritySchema, payload, { what, maxBytes: MAX_AUTHORITY_BYTES })
  const authority: Authority = {
    ...raw,
    epochs: raw.epochs.map((entry) => ({
      ...entry,
      devices: entry.devices.map(([serial, box]) => ({ serial, box })),
    })),
    devices: raw.devices.map((device) => ({ ...device, content: contentOf(device.certificate) })),
  }
  if (!equal(authority.vault, vault)) throw broken('it belongs to another vault')
  checkAuthority(authority)
  return authority
}

/** Throws `VALIDATION_LIMIT` for counts, `VALIDATION_DECODE` for every other rule. */
export function checkAuthority(authority: Authority): void {
  const { version, prev, epochs, devices, revoked } = authority
  limit(epochs.length, MAX_EPOCHS, 'epochs')
  limit(devices.length, MAX_DEVICES, 'devices')
  limit(revoked.length, MAX_REVOKED, 'revoked devices')
  const serials = new Set(devices.map((device) => device.content.serial))
  const peers = new Set(devices.map((device) => device.content.peer))
  const wraps = epochs.map((entry) => entry.devices.map((device) => device.serial))
  if (version < 1 || (version === 1) !== (prev === null)) throw broken('version and prev do not fit')
  if (epochs.length === 0 || epochs.some((entry, i) => entry.epoch !== i + 1)) throw broken('epochs are not 1, 2, 3 …')
  if (devices.some((device) => !named(device.name))) throw broken('a device name is empty or too long')
  if (devices.some((device) => !equal(device.content.vault, authority.vault))) throw broken('a foreign certificate')
  if (serials.size !== devices.length || peers.size !== devices.length) throw broken('a device is listed twice')
  if (![revoked, ...wraps].every(ascending)) throw broken('serials are not in order')
  if (![revoked, ...wraps].every((list) => list.every((serial) => serials.has(serial)))) throw broken('unknown serial')
}

const what = 'the authority'

function contentOf(certificate: Uint8Array): Certificate {
  try {
    return openCertificate(certificate)
  } catch (cause) {
    throw new PlexiError('VALIDATION_DECODE', { what, reason: 'a certificate does not verify' }, { cause })
  }
}

const ascending = (list: readonly number[]): boolean => list.every((one, i) => i === 0 || one > (list[i - 1] ?? 0))

const named = (name: string): boolean => name !== '' && Buffer.byteLength(name) <= MAX_NAME_BYTES

function limit(count: number, most: number, name: string): void {
  if (count > most) throw new PlexiError('VALIDATION_LIMIT', { what: `the number of ${name}`, limit: most })
}

function broken(reason: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what, reason })
}

const serialField = uintUpTo(2 ** 48 - 1)

const authoritySchema = z.strictObject({
  v: z.literal(1),
  vault: vaultField,
  version: uintUpTo(2 ** 32 - 1),
  prev: z.union([z.null(), bytesOf(32)]),
  params: z.strictObject({
    suite: z.union([z.literal(1), z.literal(2)]),
    shardBytes: uint,
    chunkMin: uint,
    chunkAverage: uint,
    chunkMax: uint,
  }),
  epochs: z.array(
    z.strictObject({
      epoch: uintUpTo(2 ** 32 - 1),
      time: uint,
      wrap: bytesOf(WRAP_BYTES),
      hybrid: bytesOf(HYBRID_WRAP_BYTES),
      devices: z.array(z.tuple([serialField, bytesOf(DEVICE_WRAP_BYTES)])),
    }),
  ),
  devices: z.array(
    z.strictObject({ name: textUpTo(MAX_NAME_BYTES), certificate: bytesUpTo(MAX_CERTIFICATE_BYTES), time: uint }),
  ),
  revoked: z.array(serialField),
})
