/** The Merkle check of a shard in a file, without a daemon. Hosted shards are named by their id: it is checked too. */
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { leafHash, merkleRoot } from '../../crypto/merkle.ts'
import { LEAF_BYTES, LEAVES, SHARD_BYTES } from '../../shard/options.ts'

export interface ShardFileCheck {
  readonly ok: boolean
  /** The id that the file's name claims, else its root. */
  readonly id: string
  readonly root: string
  readonly leaves: number
}

/** `STORAGE_NOT_FOUND`, `STORAGE_SHARD_SIZE`. `name` is the path as the user wrote it. */
export async function checkShardFile(path: string, name: string): Promise<ShardFileCheck> {
  const bytes = await readShard(path, name)
  const leaves = Array.from({ length: LEAVES }, (_, at) =>
    leafHash(bytes.subarray(at * LEAF_BYTES, (at + 1) * LEAF_BYTES)),
  )
  const root = toHex(merkleRoot(leaves))
  const claimed = /^[0-9a-f]{64}$/.exec(basename(path))?.[0]
  return { ok: claimed === undefined || claimed === root, id: claimed ?? root, root, leaves: LEAVES }
}

async function readShard(path: string, name: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new PlexiError('STORAGE_NOT_FOUND', { what: name }, { cause })
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new PlexiError('VALIDATION_USAGE', { reason: `${name} is not a file` })
    if (stat.size !== SHARD_BYTES) throw new PlexiError('STORAGE_SHARD_SIZE', { bytes: stat.size })
    return await file.readFile()
  } finally {
    await file.close()
  }
}
