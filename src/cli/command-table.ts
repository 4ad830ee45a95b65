/**
 * The commands in the order of `help`. Each lies in a file of its own that is loaded only when it is needed: for that
 * command, for help and for completion.
 */
import type { Command } from 'commander'
import type { Cli } from './cli.ts'

export interface CommandModule {
  /** Makes the command with its options and what it does. */
  build(cli: Cli): Command
}

export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly group: string
  readonly load: () => Promise<CommandModule>
}

const start = 'Getting started:'
const data = 'Your data:'
const people = 'People and network:'
const admin = 'Administration:'

export const commandTable: readonly CommandEntry[] = [
  e(start, 'init', 'make a vault; prints the 24 recovery words once', () => import('./commands/init.ts')),
  e(start, 'up', 'start the daemon in the background', () => import('./commands/up.ts')),
  e(start, 'down', 'stop the daemon', () => import('./commands/down.ts')),
  e(start, 'restart', 'stop and start the daemon', () => import('./commands/restart.ts')),
  e(start, 'daemon', 'run the daemon in the foreground', () => import('./commands/daemon.ts')),
  e(start, 'status', 'is everything protected?', () => import('./commands/status.ts')),
  e(start, 'demo', 'see it work: a throw-away network on this machine', () => import('./offline/demo.ts')),

  e(data, 'backup', 'make a snapshot', () => import('./commands/backup.ts')),
  e(data, 'source', 'what is backed up again and again', () => import('./commands/source.ts')),
  e(data, 'schedule', 'back up sources by themselves', () => import('./commands/schedule.ts')),
  e(data, 'policy', 'what is kept of a source, and when it is overdue', () => import('./commands/policy.ts')),
  e(data, 'snapshots', 'list snapshots', () => import('./commands/snapshots.ts')),
  e(data, 'ls', 'list what is in a snapshot', () => import('./commands/ls.ts')),
  e(data, 'diff', 'what changed from one snapshot to another', () => import('./commands/diff.ts')),
  e(data, 'find', 'find names in snapshots', () => import('./commands/find.ts')),
  e(data, 'cat', 'print a file of a snapshot', () => import('./commands/cat.ts')),
  e(data, 'serve', 'look through snapshots with a browser or file manager', () => import('./commands/serve.ts')),
  e(data, 'export', 'a snapshot, or a part of it, as a tar stream', () => import('./commands/export.ts')),
  e(data, 'restore', 'bring files back', () => import('./commands/restore.ts')),
  e(data, 'recover', 'new machine: everything back from the 24 words', () => import('./commands/recover.ts')),
  e(data, 'verify', 'check that everything is there and intact', () => import('./commands/verify.ts')),
  e(data, 'remote', 'a disk or NAS as one more place', () => import('./commands/remote.ts')),
  e(data, 'forget', 'let go of old snapshots', () => import('./commands/forget.ts')),
  e(data, 'prune', 'free what no snapshot needs', () => import('./commands/prune.ts')),
  e(data, 'jobs', 'long work on the daemon', () => import('./commands/jobs.ts')),
  e(data, 'shard', 'look into single shards', () => import('./commands/shard.ts')),

  e(people, 'peers', 'the machines you know', () => import('./commands/peers.ts')),
  e(people, 'invite', 'make a code that lets somebody join', () => import('./commands/invite.ts')),
  e(people, 'join', 'join with a code', () => import('./commands/join.ts')),
  e(people, 'circle', 'private networks', () => import('./commands/circle.ts')),
  e(people, 'host', 'what this machine holds for others', () => import('./commands/host.ts')),
  e(people, 'net', 'addresses, reachability, DHT', () => import('./commands/net.ts')),

  e(admin, 'identity', 'this device, its vault and the recovery kit', () => import('./commands/identity.ts')),
  e(admin, 'config', 'settings', () => import('./commands/config.ts')),
  e(admin, 'notify', 'who is told of alarms and runs', () => import('./commands/notify.ts')),
  e(admin, 'gc', 'clean up at home', () => import('./commands/gc.ts')),
  e(admin, 'logs', 'the log of the daemon', () => import('./offline/logs.ts')),
  e(admin, 'events', 'what happened lately', () => import('./commands/events.ts')),
  e(admin, 'metrics', 'figures for Prometheus', () => import('./commands/metrics.ts')),
  e(admin, 'doctor', 'look for what is wrong', () => import('./offline/doctor.ts')),
  e(admin, 'explain', 'what an error code means', () => import('./offline/explain.ts')),
  e(admin, 'completion', 'completion script for a shell', () => import('./offline/completion.ts')),
  e(admin, 'version', 'version of the program', () => import('./offline/version.ts')),
]

// eslint-disable-next-line max-params -- a row of the table
function e(group: string, name: string, summary: string, load: () => Promise<CommandModule>): CommandEntry {
  return { name, summary, group, load }
}
