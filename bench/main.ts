/**
 * `npm run bench`: the engine on a local directory beside its peers, rounds interleaved so that a machine that slows
 * down slows down for all. Prints medians and ratios; absolute times are only for orientation.
 *
 *   npm run bench -- [--rounds 5] [--mebibytes 1024] [--json FILE]
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { setA, writeChatExport } from './data/chat-export.ts'
import { floor, plexichat, restic, type Contender } from './contenders.ts'
import { measure, median, type Measured } from './measure.ts'
import { stagesOf, type Stage } from './profile.ts'

const operations = ['backup', 'again', 'restore', 'verify'] as const
type Operation = (typeof operations)[number]
type Runs = Record<Operation, Measured[]>

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    mebibytes: { type: 'string', default: '1024' },
    json: { type: 'string' },
  },
})

const folder = mkdtempSync(join(tmpdir(), 'plexichat-bench-'))
process.once('SIGINT', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit(130)
})
try {
  await main(Number(values.rounds), Number(values.mebibytes) * 1024 * 1024)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main(rounds: number, bytes: number): Promise<void> {
  const source = join(folder, 'A')
  console.log(
    `data set A: chat export, ${String(bytes >> 20)} MiB in ${String(setA.files)} files, seed ${String(setA.seed)}`,
  )
  await writeChatExport(source, { ...setA, bytes })
  const place = (name: string) => ({ source, scratch: join(folder, name) })
  const contenders = [plexichat(place('plexichat')), floor(place('floor')), restic(place('restic'))].filter(
    (c) => c !== undefined,
  )
  const results = new Map<Contender, Runs>(
    contenders.map((c) => [c, { backup: [], again: [], restore: [], verify: [] }]),
  )
  for (let round = 1; round <= rounds; round++) {
    for (const [contender, runs] of results) await runOnce(contender, runs)
    console.log(`round ${String(round)} of ${String(rounds)} done`)
  }
  const profiles = { backup: await profile(source, 'backup'), restore: await profile(source, 'restore') }
  print(results, bytes)
  for (const [operation, stages] of Object.entries(profiles)) printStages(operation, stages)
  if (values.json !== undefined)
    writeFileSync(values.json, JSON.stringify(report(results, { bytes, profiles }), undefined, 2))
}

async function runOnce(contender: Contender, runs: Runs): Promise<void> {
  contender.prepare()
  for (const operation of operations) {
    const run = contender[operation]
    if (run !== undefined) runs[operation].push(await run())
  }
}

/** One more run under the CPU profiler, on its own: profiling costs time. */
async function profile(source: string, operation: 'backup' | 'restore'): Promise<Stage[]> {
  const scratch = join(folder, 'profiled')
  const out = join(folder, `cpu-${operation}`)
  mkdirSync(scratch, { recursive: true })
  const target = operation === 'backup' ? source : join(scratch, 'restored')
  if (operation === 'restore') mkdirSync(target, { recursive: true })
  await measure([
    process.execPath,
    '--cpu-prof',
    `--cpu-prof-dir=${out}`,
    join(import.meta.dirname, 'engine.ts'),
    scratch,
    operation,
    target,
  ])
  const file = readdirSync(out).find((name) => name.endsWith('.cpuprofile'))
  return file === undefined ? [] : stagesOf(join(out, file))
}

function print(results: ReadonlyMap<Contender, Runs>, bytes: number): void {
  const own = [...results.values()][0] as Runs
  const table = new Table({
    head: ['', ...operations.flatMap((o) => [`${o} s`, '×']), 'stored MB', 'peak MiB'],
    style: { head: [], border: [] },
  })
  for (const [contender, runs] of results) {
    const cells = operations.flatMap((operation) => [
      runs[operation].length === 0 ? '–' : seconds(runs[operation]).toFixed(2),
      runs[operation].length === 0 ? '' : (seconds(own[operation]) / seconds(runs[operation])).toFixed(2),
    ])
    const peak = Math.max(...operations.flatMap((operation) => runs[operation].map((run) => run.peakMiB)))
    table.push([contender.name, ...cells, (contender.storedBytes() / 1e6).toFixed(0), peak.toFixed(0)])
  }
  console.log(
    `\nmedians of ${String(own.backup.length)}; × = time of plexichat divided by theirs; ${cpus()[0]?.model ?? ''}, ${String(cpus().length)} cores, Node ${process.version}`,
  )
  console.log(table.toString())
  console.log(
    `backup ${(bytes / 1e6 / seconds(own.backup)).toFixed(0)} MB/s, restore ${(bytes / 1e6 / seconds(own.restore)).toFixed(0)} MB/s`,
  )
}

function printStages(operation: string, stages: readonly Stage[]): void {
  const table = new Table({ head: [`${operation}: main thread`, 's', '% of busy'], style: { head: [], border: [] } })
  for (const { stage, seconds: s, share } of stages)
    table.push([stage, s.toFixed(2), stage.startsWith('idle') ? '' : (share * 100).toFixed(0)])
  console.log(table.toString())
}

function seconds(runs: readonly Measured[]): number {
  return median(runs.map((run) => run.seconds))
}

function report(results: ReadonlyMap<Contender, Runs>, rest: Record<string, unknown>): Record<string, unknown> {
  const contenders = [...results].map(([contender, runs]) => ({
    name: contender.name,
    storedBytes: contender.storedBytes(),
    ...Object.fromEntries(
      operations.map((o) => [
        o,
        runs[o].map(({ seconds: s, cpuSeconds, peakMiB }) => ({ seconds: s, cpuSeconds, peakMiB })),
      ]),
    ),
  }))
  return { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, ...rest, contenders }
}
