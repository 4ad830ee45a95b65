/**
 * The file that marks a directory of shards and says whose it is. Spec: docs/spec/04-snapshot-and-head.md § Files.
 * Invariant: nothing is written where the marker is not the expected one: an empty mount point is no disk.
 */
import { join } from 'node:path'
import { fromHex, toHex, utf8 } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { vaultId, type VaultId } from '../../crypto/ids.ts'
import { STORE_MARKER } from '../sources/own-homes.ts'

export interface Marker {
  /** 16 bytes, random. */
  readonly remote: Uint8Array
  readonly vault: VaultId
}

export const MARKER_TEXT = 'Sealed backup shards of PlexiChat; see docs/REMOTES.md'
const MAX_MARKER_BYTES = 4096

/** `none`: no marker · `other`: one that names no remote. */
export async function readMarker(disk: Disk, directory: string): Promise<Marker | 'none' | 'other'> {
  const path = join(directory, STORE_MARKER)
  if ((await disk.stat(path)) === undefined) return 'none'
  const text = (await disk.readFile(path, MAX_MARKER_BYTES)).toString('utf8')
  const remote = /^remote ([0-9a-f]{32})$/m.exec(text)?.[1]
  const vault = /^vault ([0-9a-f]{64})$/m.exec(text)?.[1]
  if (remote === undefined || vault === undefined) return 'other'
  return { remote: fromHex(remote), vault: vaultId(fromHex(vault)) }
}

export async function writeMarker(disk: Disk, directory: string, { remote, vault }: Marker): Promise<void> {
  const text = `${MARKER_TEXT}\nremote ${toHex(remote)}\nvault ${toHex(vault)}\n`
  await disk.writeFileAtomic(join(directory, STORE_MARKER), utf8(text), 0o644)
}
