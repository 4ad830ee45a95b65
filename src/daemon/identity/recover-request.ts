/** What `recover` is asked for. Spec: docs/spec/04-snapshot-and-head.md § Reading with nothing but a folder */
import type { Environment, HomePaths } from '../../config/home.ts'

export interface RecoverRequest {
  readonly paths: HomePaths
  readonly env: Environment
  /** 24 words. */
  readonly phrase: string
  /** Of this device. */
  readonly name: string
  readonly bootstrap: readonly string[]
  readonly invite?: string
  /** Absolute paths of remotes: copies of the vault on disks. */
  readonly remotes?: readonly string[]
  /** After a theft: every other device loses its rights, and what is sealed from now on is out of its reach. */
  readonly revokeOthers: boolean
  readonly passphrase?: Uint8Array
  readonly offerBytes?: number
  /** How long to look for the vault. */
  readonly searchMs?: number
}
