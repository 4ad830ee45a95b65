/** Reads a V8 CPU profile and sums self time by stage, so that the table says what bounds a run. */
import { readFileSync } from 'node:fs'

interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string } }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface Stage {
  readonly stage: string
  readonly seconds: number
  /** Of the busy time. */
  readonly share: number
}

/** First match wins; functions of the runtime are told by name, ours by file. */
const stages: readonly (readonly [string, RegExp])[] = [
  ['idle (waiting for disk)', /^\(idle\)/],
  ['garbage collection', /^\(garbage collector\)/],
  ['compress (zstd)', /zstd|zlib|processChunkSync|ZstdCompress/i],
  ['encrypt (AES-256-GCM)', /cipher|seal\.ts/i],
  ['hash (chunk ids, Merkle)', /hash|hmac|root\.ts|merkle/i],
  ['cut (FastCDC)', /chunker/],
  ['pack', /packer|frame\.ts|shard\//],
  ['index (level)', /level/],
  ['catalogue (SQLite)', /sqlite|catalogue/i],
  ['sources and trees', /backup\/(sources|tree|walk)/],
  ['files', /node:(internal\/)?fs|fs\/promises|disk\.ts|\bread\b|\bwrite\b|writev|fsync|openFileHandle/],
  ['engine', /src\/backup/],
  ['start (loading modules)', /modules|loaders|translators|compileFunction|stripTypes|amaro|wrapSafe/],
]

export function stagesOf(profileFile: string): Stage[] {
  const profile = JSON.parse(readFileSync(profileFile, 'utf8')) as CpuProfile
  const name = new Map(profile.nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName} ${callFrame.url}`]))
  const micros = new Map<string, number>()
  for (const [i, sample] of profile.samples.entries()) {
    const stage = stageOf(name.get(sample) ?? '')
    micros.set(stage, (micros.get(stage) ?? 0) + (profile.timeDeltas[i] ?? 0))
  }
  const busy = [...micros].filter(([stage]) => !stage.startsWith('idle')).reduce((sum, [, us]) => sum + us, 0)
  return [...micros]
    .map(([stage, us]) => ({ stage, seconds: us / 1e6, share: us / busy }))
    .toSorted((a, b) => b.seconds - a.seconds)
}

function stageOf(frame: string): string {
  return stages.find(([, pattern]) => pattern.test(frame))?.[0] ?? 'other'
}
