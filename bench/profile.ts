/**
 * Reads V8 CPU profiles, one per thread, and sums self time by stage, so that the table says what bounds a run and on
 * which threads it is.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string } }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface Stage {
  readonly stage: string
  readonly mainSeconds: number
  /** Of all worker threads together. */
  readonly workerSeconds: number
  /** Of the busy time of all threads. */
  readonly share: number
}

const IDLE = 'idle (waiting)'

/** First match wins; functions of the runtime are told by name, ours by file. */
const stages: readonly (readonly [string, RegExp])[] = [
  [IDLE, /^\(idle\)/],
  ['garbage collection', /^\(garbage collector\)/],
  ['compress (zstd)', /zstd|zlib|processChunkSync|ZstdCompress/i],
  ['encrypt (AES-256-GCM)', /cipher|seal\.ts/i],
  ['hash (chunk ids, Merkle)', /hash|hmac|root\.ts|merkle/i],
  // Two kernels are in use; the other one only works on stripes.
  ['cut (FastCDC)', /chunker|^wasm-function/],
  ['erasure code', /erasure/],
  ['pack', /packer|frame\.ts|shard\//],
  ['index', /level|chunk-index/],
  ['catalogue (SQLite)', /sqlite|catalogue/i],
  ['files', /node:(internal\/)?fs|fs\/promises|disk\.ts|\bread\b|\bwrite\b|writev|fsync|openFileHandle/],
  ['sources and trees', /backup\/(sources|tree|walk)/],
  ['messages between threads', /worker|postMessage|MessagePort|receiveMessage|Atomics|threads\.ts/i],
  ['engine', /src\/backup/],
  ['start (loading modules)', /modules|loaders|translators|compileFunction|stripTypes|amaro|wrapSafe/],
  ['native code without a name', /^\(program\)/],
]

/** Sums all profiles of a folder. The main thread's is the one whose thread number, in the file's name, is 0. */
export function stagesOf(folder: string): Stage[] {
  const sums = new Map<string, { main: number; workers: number }>()
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'))) {
    const thread = isMainThread(name) ? 'main' : 'workers'
    for (const [stage, us] of microsecondsOf(join(folder, name))) {
      const sum = sums.get(stage) ?? { main: 0, workers: 0 }
      sum[thread] += us
      sums.set(stage, sum)
    }
  }
  const total = ({ main, workers }: { main: number; workers: number }) => main + workers
  const busy = [...sums].filter(([stage]) => stage !== IDLE).reduce((all, [, sum]) => all + total(sum), 0)
  return [...sums]
    .toSorted(([, a], [, b]) => total(b) - total(a))
    .map(([stage, sum]) => ({
      stage,
      mainSeconds: sum.main / 1e6,
      workerSeconds: sum.workers / 1e6,
      share: total(sum) / busy,
    }))
}

/** `CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile` */
function isMainThread(name: string): boolean {
  return name.split('.').at(-3) === '0'
}

function microsecondsOf(file: string): Map<string, number> {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile
  const name = new Map(profile.nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName} ${callFrame.url}`]))
  const micros = new Map<string, number>()
  for (const [i, sample] of profile.samples.entries()) {
    const stage = stageOf(name.get(sample) ?? '')
    micros.set(stage, (micros.get(stage) ?? 0) + (profile.timeDeltas[i] ?? 0))
  }
  return micros
}

function stageOf(frame: string): string {
  return stages.find(([, pattern]) => pattern.test(frame))?.[0] ?? 'other'
}
