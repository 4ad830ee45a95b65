/** Health, status, node, configuration and the event stream of the daemon. */
import * as z from 'zod'
import { hexId, peerId, probability, text, time, uint } from './common.ts'

export const live = z.object({ ok: z.literal(true) })
export const ready = z.object({ ok: z.boolean(), checks: z.record(z.string(), z.boolean()) })
export type Ready = z.output<typeof ready>

export const alarm = z.object({
  code: z.string(),
  since: time,
  text,
  remedy: z.string(),
  /** Of several things that may fail alike, which: the name of a source or a notification target. */
  about: z.string().nullable().optional(),
})
export type Alarm = z.output<typeof alarm>

export const status = z.object({
  /** One sentence that names people, for `plexichat` and `status`. */
  sentence: text,
  protected: z.enum(['none', 'local', 'one-copy', 'below-target', 'yes']),
  safe: probability,
  restorable: probability,
  target: z.number().min(0).max(1),
  /** `safe` rests on measured return rates. */
  measured: z.boolean(),
  lastBackup: time.nullable(),
  hosts: z.object({ eligible: uint, online: uint }),
  snapshots: uint,
  /** Bytes held here for others. */
  given: uint,
  /** Bytes others hold for this vault. */
  used: uint,
  /** Bytes sealed and waiting for hosts. */
  queued: uint,
  /** Directories that keep a copy too. They count neither for `safe` nor as hosts. */
  remotes: z.array(z.object({ path: z.string(), state: z.string(), complete: z.boolean() })).default([]),
  alarms: z.array(alarm),
})
export type Status = z.output<typeof status>

export const node = z.object({
  version: z.string(),
  pid: uint,
  peerId,
  vault: hexId,
  name: z.string(),
  circle: z.string(),
  home: z.string(),
  started: time,
  addresses: z.array(z.string()),
  /** Base address of the HTTP API. */
  api: z.string(),
})
export type NodeInfo = z.output<typeof node>

export const shutdownRequest = z.strictObject({ reason: z.string().max(256).optional() })

export const setting = z.object({
  key: z.string(),
  value: z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]),
  /** Who said so. */
  origin: z.enum(['default', 'file', 'environment', 'flag']),
  /** Takes effect without a restart. */
  reloadable: z.boolean(),
})
export type Setting = z.output<typeof setting>
export const config = z.object({ path: z.string(), settings: z.array(setting) })
export type Config = z.output<typeof config>

/** Dotted keys to new values; null removes the key from the file. */
export const configChange = z.strictObject({
  set: z.record(z.string().max(128), z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()])),
})
export type ConfigChange = z.output<typeof configChange>
export const configChanged = z.object({ applied: z.array(z.string()), needRestart: z.array(z.string()) })
export type ConfigChanged = z.output<typeof configChanged>
export const configText = z.strictObject({ toml: z.string().max(262_144) })

/** Numbered without gaps since the daemon started counting; a gap seen by a reader means it fell behind the bound. */
export const event = z.object({
  seq: uint,
  time,
  /** `job` · `peer` · `alarm` · `storage` · `system` */
  topic: z.string(),
  text,
  job: z.string().optional(),
  peer: z.string().optional(),
  code: z.string().optional(),
  /** Of an alarm. */
  state: z.enum(['raised', 'cleared']).optional(),
})
export type DaemonEvent = z.output<typeof event>
