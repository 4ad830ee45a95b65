/**
 * Seals for ever with one epoch key, as a daemon does over its life, and tells 16 bytes of a digest of every (key, nonce)
 * that reaches the cipher. `seal-child.ts [SEED]`: with a seed randomness is that of a broken machine, which starts again
 * with the same after every crash.
 */
import crypto from 'node:crypto'
import { writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { systemRandom } from '../../src/daemon/system/index.ts'
import { seededRandom } from '../support/seeded-random.ts'

const RECORD = 16
const BATCH = 250
const SHARD_EVERY = 2_000
let records: Buffer[] = []

const real = crypto.createCipheriv
Object.assign(crypto, {
  createCipheriv(algorithm: 'aes-256-gcm', key: Uint8Array, nonce: Uint8Array) {
    records.push(crypto.hash('sha256', Buffer.concat([key, nonce]), 'buffer').subarray(0, RECORD))
    return real(algorithm, key, nonce)
  },
})
syncBuiltinESMExports()

const { sealBox } = await import('../../src/crypto/seal.ts')
const { sealHead, ShardPacker } = await import('../../src/shard/index.ts')
const { defaultBackupOptions } = await import('../../src/backup/index.ts')
const { chunkId } = await import('../../src/shard/index.ts')

const seed = process.argv[2]
const random = seed === undefined ? systemRandom : seededRandom(seed)
const epoch = { epoch: 1, key: new Uint8Array(32).fill(9) }
const plaintext = new Uint8Array(64)
const bytes = new Uint8Array(1000)

for (let i = 0; ; i++) {
  if (i % SHARD_EVERY === SHARD_EVERY - 1) sealOneShard()
  else if (i % 100 === 0) sealHead(epoch, plaintext, random)
  else sealBox(epoch.key, { label: 'wrap', plaintext, random })
  if (records.length < BATCH) continue
  let left = Buffer.concat(records)
  while (left.length > 0) left = left.subarray(writeSync(1, left))
  records = []
}

function sealOneShard(): void {
  const packer = new ShardPacker(defaultBackupOptions.packer, { epoch, random })
  packer.add({ id: chunkId(random.bytes(32)), bytes, kind: 'data' })
  packer.flush()
}
