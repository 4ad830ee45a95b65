/** Pages of a database → 16 bytes each. Spec: docs/spec/04-snapshot-and-head.md § Databases. */
import { PAGE_HASH_BYTES, PageHasher } from '../sources/sqlite/page-segment.ts'
import type { PagesJob } from './jobs.ts'

export function hashPages({ bytes, pageBytes }: PagesJob, idMac: Uint8Array): Uint8Array {
  const hashes = new Uint8Array(Math.ceil(bytes.length / pageBytes) * PAGE_HASH_BYTES)
  new PageHasher(idMac, pageBytes).hash(bytes, hashes)
  return hashes
}
