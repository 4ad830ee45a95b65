/** Options that choose among snapshots, also what `latest` means. */
import type { Command } from 'commander'

export interface SnapshotFilterOptions {
  readonly tag?: string
  readonly path?: string
  readonly name?: string
  readonly device?: string
}

export function withSnapshotFilter(command: Command): Command {
  return command
    .option('--tag <tag>', 'snapshots with this tag')
    .option('--path <path>', 'snapshots of this path')
    .option('--name <name>', 'snapshots of this name')
    .option('--device <device>', 'snapshots of this device')
}
