/** One thread's half of the engine: takes messages, runs jobs, one after the other. */
import type { BlockingDisk } from '../../base/blocking-disk.ts'
import type { Random } from '../../base/random.ts'
import type { Answer } from '../../base/threads.ts'
import { prepareMacKey } from '../../crypto/hash.ts'
import { Chunker, PackerMemory, SHARD_BYTES, ShardPacker } from '../../shard/index.ts'
import { pour } from '../restore/pour.ts'
import { checkShard } from '../verify/check.ts'
import { usesOf } from '../verify/uses.ts'
import type { KernelSetup, Message, PackerJob, Pieces, TakenChunks } from './jobs.ts'
import { listDirectory } from './list-directory.ts'
import { Namer } from './namer.ts'
import { flushPacker, packChunks, takeChunks } from './pack-chunks.ts'
import { hashPages } from './hash-pages.ts'
import { readFiles } from './read-files.ts'

export interface KernelDeps {
  readonly disk: BlockingDisk
  readonly random: Random
}

export interface Kernel {
  /** Throws what the job throws. */
  run(message: unknown): Answer
}

/** `setup` may have crossed threads. */
export function createKernel(setup: KernelSetup, { disk, random }: KernelDeps): Kernel {
  const idMac = prepareMacKey(setup.idMac)
  const namer = new Namer(new Chunker(setup.chunk, setup.chunker), idMac)
  const spare: Uint8Array[] = []
  const room = (): Uint8Array => spare.pop() ?? new Uint8Array(new SharedArrayBuffer(SHARD_BYTES))
  let memory: PackerMemory | undefined
  let own: { readonly writer: number; readonly packer: ShardPacker } | undefined
  const packerOf = ({ writer, epoch }: PackerJob): ShardPacker => {
    if (own?.writer === writer) return own.packer
    memory ??= new PackerMemory()
    own = { writer, packer: new ShardPacker(setup.packer, { epoch, random, room }, memory) }
    return own.packer
  }
  const epochKey = (epoch: number): Uint8Array | undefined => setup.epochs.find((key) => key.epoch === epoch)?.key
  const keys = { idMac, epochKey }
  return {
    run(message) {
      const { name, job } = message as Message
      switch (name) {
        case 'list':
          return { result: listDirectory(job, disk) }
        case 'read':
          return pieces(readFiles(job, { disk, namer }))
        case 'cut':
          namer.cut(job.bytes, job.last)
          return pieces(namer.take())
        case 'name':
          namer.name(job.bytes, job.lengths)
          return pieces(namer.take())
        case 'pages':
          return { result: hashPages(job, setup.idMac) }
        case 'pack':
          return { result: packChunks(packerOf(job), job) }
        case 'flush':
          return { result: flushPacker(packerOf(job)) }
        case 'reuse':
          spare.push(job.shard)
          return { result: undefined }
        case 'take':
          return taken(takeChunks(packerOf(job)))
        case 'pour':
          return { result: pour(job, { disk, ...keys }) }
        case 'check':
          return { result: checkShard(job, keys) }
        case 'uses':
          return { result: usesOf(job) }
      }
    },
  }
}

function pieces(result: Pieces): Answer {
  return { result, transfer: [result.ids.buffer as ArrayBuffer, result.lengths.buffer as ArrayBuffer] }
}

function taken(result: TakenChunks): Answer {
  return { result, transfer: [result.bytes.buffer as ArrayBuffer] }
}
