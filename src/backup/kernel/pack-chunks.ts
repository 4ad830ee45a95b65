/** Chunks → sealed shards, by the packer of this thread. Spec: docs/spec/02-shard.md § Packing. */
import { chunkId, shardId, type ShardPacker, type SealedShard, type WaitingChunk } from '../../shard/index.ts'
import type { PackedShard, PackJob, PackResult, TakenChunks } from './jobs.ts'
import { ID_BYTES } from './namer.ts'

export function packChunks(packer: ShardPacker, job: PackJob): PackResult {
  const chunks: WaitingChunk[] = []
  // A copy: the packer keeps ids longer than the job's memory lasts. One for all: each would be a burden of its own.
  const ids = job.ids.slice()
  for (const [i, length] of job.lengths.entries()) {
    const at = job.offsets[i] as number
    const id = chunkId(ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES))
    chunks.push({ id, bytes: job.bytes.subarray(at, at + length), kind: job.kind })
  }
  return packed(packer, packer.addAll(chunks))
}

export function flushPacker(packer: ShardPacker): PackResult {
  return packed(packer, packer.flush())
}

export function takeChunks(packer: ShardPacker): TakenChunks {
  const chunks = packer.takeWaiting()
  const ids = new Uint8Array(chunks.length * ID_BYTES)
  chunks.forEach(({ id }, i) => {
    ids.set(id, i * ID_BYTES)
  })
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk.bytes, at)
    at += chunk.bytes.length
  }
  return {
    ids,
    bytes,
    lengths: Uint32Array.from(chunks, (chunk) => chunk.bytes.length),
    metadata: Uint8Array.from(chunks, (chunk) => (chunk.kind === 'metadata' ? 1 : 0)),
  }
}

function packed(packer: ShardPacker, sealed: readonly SealedShard[]): PackResult {
  return { sealed: sealed.map(plain), waitingBytes: packer.waitingBytes }
}

function plain({ id, bytes, kind, usedBytes, chunks }: SealedShard): PackedShard {
  const ids = new Uint8Array(chunks.length * ID_BYTES)
  chunks.forEach((chunk, i) => {
    ids.set(chunk.id, i * ID_BYTES)
  })
  return { id: shardId(id.slice()), bytes, kind, usedBytes, ids }
}
