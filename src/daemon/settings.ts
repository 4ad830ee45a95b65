/**
 * Every setting a user can change, in one place: sections stack what the rooms' `options.ts` let be chosen. From this
 * come the annotated default file `config/plexichat.toml` and `config/schema.json`.
 */
import type { Disk } from '../base/disk.ts'
import { GiB, KiB, MiB } from '../base/bytes.ts'
import type { DocumentMigration } from '../config/document-migration.ts'
import type { Environment } from '../config/home.ts'
import { loadSettings, type LoadedSettings } from '../config/loader.ts'
import { annotatedToml } from '../config/reference.ts'
import {
  bytesSetting,
  choiceSetting,
  integerSetting,
  listSetting,
  numberSetting,
  switchSetting,
  textSetting,
  type Values,
} from '../config/setting.ts'

export const settingsDefinition = {
  device: {
    name: textSetting('', {
      doc: 'What this machine is called in front of your friends. Empty: the name given at init.',
      maxLength: 64,
    }),
  },
  api: {
    port: integerSetting(7420, {
      doc: 'TCP port of the HTTP API on 127.0.0.1 and ::1. 0 lets the system choose.',
      min: 0,
      max: 65_535,
    }),
  },
  network: {
    listen: listSetting(['/ip4/0.0.0.0/tcp/7421', '/ip6/::/tcp/7421', '/ip4/0.0.0.0/tcp/7422/ws'], {
      doc: 'Where other daemons reach this one: multiaddrs, TCP or WebSocket.',
      maxItems: 16,
    }),
    bootstrap: listSetting([], {
      doc: 'Members of the circle to ask first: multiaddrs, with or without /p2p/. Invites bring their own.',
      maxItems: 32,
    }),
    circle: textSetting('main', {
      doc: 'The circle to be in; `plexichat join` and `circle create` set it.',
      pattern: /^[a-z0-9][a-z0-9-]{0,62}$/,
    }),
    mdns: switchSetting(true, { doc: 'Find members on the local network. Never used by a daemon on loopback alone.' }),
  },
  placement: {
    lan: switchSetting(false, {
      doc: 'Machines of your own private subnets may hold shards of one stripe together, as if they stood in different houses.',
    }),
    target: numberSetting(0.9999, {
      doc: 'The probability of keeping everything that is asked for; `status` holds what is measured against it.',
      min: 0.5,
      max: 0.999999999,
    }),
  },
  hosting: {
    offer: bytesSetting(50 * GiB, {
      doc: 'Disk lent to others, in total. "0" lends nothing.',
      live: true,
      max: 2 ** 50,
    }),
    reserve: numberSetting(0.1, { doc: 'Share of the disk that hosting leaves free.', min: 0.01, max: 0.9 }),
  },
  backup: {
    outbox: bytesSetting(8 * GiB, {
      doc: 'Sealed shards that wait for hosts: the smaller of this and half the free disk.',
      min: 16 * MiB,
      max: 2 ** 50,
    }),
    cipher: choiceSetting('aes-256-gcm', ['aes-256-gcm', 'xchacha20-poly1305'], {
      doc: 'How new shards are sealed. Both are always readable; AES is faster where the processor helps.',
    }),
    compression: integerSetting(1, { doc: 'zstd level of new shards.', min: 1, max: 19 }),
    owners: switchSetting(true, { doc: 'Restore owners and groups. Takes effect only for root.' }),
  },
  logs: {
    level: choiceSetting('info', ['debug', 'info', 'warn', 'error'], { doc: 'What is worth a line.', live: true }),
    size: bytesSetting(10 * MiB, { doc: 'A log file that reaches this size is put aside.', min: 64 * KiB, max: GiB }),
    files: integerSetting(5, { doc: 'Log files kept besides the current one.', min: 1, max: 100 }),
  },
} as const

export type Settings = Values<typeof settingsDefinition>

/** The annotated default file: every setting, commented out. */
export function defaultConfig(): string {
  return annotatedToml(settingsDefinition, [
    'PlexiChat settings. Copy to <home>/config.toml and uncomment what you change; `plexichat config path` says where',
    'that is, `plexichat config show --origin` what is in force and why. A flag beats the environment, the environment',
    'this file, this file the default. Unknown keys are refused by name.',
  ])
}

/** Older layouts of the file, none yet. */
export const settingsMigrations: readonly DocumentMigration[] = []

/** Variables with our prefix that are not settings. */
export const reservedVariables = [
  'PLEXICHAT_HOME',
  'PLEXICHAT_PASSPHRASE_FILE',
  'PLEXICHAT_PHRASE_FILE',
  'PLEXICHAT_NODE',
  'PLEXICHAT_NO_COLOR',
]

export const MAX_CONFIG_BYTES = 256 * KiB

/** Flags by setting name, as given on the command line; undefined where not given. */
export type SettingFlags = Readonly<Record<string, unknown>>

/** Settings of a home: flag > environment > `config.toml` > default. */
export async function readSettings(
  disk: Disk,
  from: { configPath: string; env: Environment; flags?: SettingFlags },
): Promise<LoadedSettings<typeof settingsDefinition>> {
  const there = (await disk.stat(from.configPath)) !== undefined
  const text = there ? (await disk.readFile(from.configPath, MAX_CONFIG_BYTES)).toString('utf8') : undefined
  return parseSettings(text, from)
}

/** The same over the text of a file, which need not exist. */
export function parseSettings(
  text: string | undefined,
  from: { configPath: string; env: Environment; flags?: SettingFlags },
): LoadedSettings<typeof settingsDefinition> {
  return loadSettings(settingsDefinition, {
    ...(text === undefined ? {} : { file: { path: from.configPath, text } }),
    env: from.env,
    flags: from.flags ?? {},
    reservedEnv: reservedVariables,
    migrations: settingsMigrations,
  })
}
