/** One set through all contenders, round by round; then PlexiChat alone: stages, whole process, growth. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileBytes, type Contender, type Place } from './contenders/contender.ts'
import { EngineProcess, profiled, wholeProcess } from './contenders/plexichat.ts'
import { setE, writeLongTree } from './data/long-stream.ts'
import { changedPages } from './data/changed-pages.ts'
import { sets, Source, type SetName } from './data/sets.ts'
import { stagesOf } from './profile.ts'
import type { EngineOrder } from './engine.ts'
import type { Measured } from './measure.ts'
import type { Growth, Result, Series, SetResult } from './result.ts'

const longStreamProgram = join(import.meta.dirname, 'data', 'long-stream.ts')

type Tell = (what: string) => void

interface SetRun {
  /** Holds the set under its name, and takes the contenders' scratch folders. */
  readonly folder: string
  readonly name: SetName
  readonly rounds: number
  readonly contenders: readonly Contender[]
  readonly tell: Tell
}

export async function measureSet({ folder, name, rounds, contenders, tell }: SetRun): Promise<SetResult> {
  // While both states lie under their own names.
  const changed = sets[name].operations.includes('edited')
    ? { changedBytes: await changedPages(join(folder, name)) }
    : {}
  const source = new Source(join(folder, name))
  source.show('first')
  const bytes = fileBytes(source.path)
  const taking = contenders.filter(({ spared }) => !(spared ?? []).includes(name))
  const pairs = taking.map((contender, i) => ({
    contender,
    place: { source: source.path, scratch: join(folder, `scratch-${String(i)}`) },
    series: emptySeries(contender),
  }))
  for (let round = 1; round <= rounds; round++) {
    for (const pair of pairs) await measureOne(name, source, { ...pair, check: round === 1 })
    tell(`set ${name}: round ${String(round)} of ${String(rounds)}`)
  }
  for (const { place } of pairs) {
    rmSync(place.scratch, { recursive: true, force: true })
    rmSync(putAwayTo(place.scratch), { recursive: true, force: true })
  }
  source.show('first')
  return { set: name, title: sets[name].title, bytes, ...changed, series: pairs.map(({ series }) => series) }
}

function emptySeries({ name, role }: Contender): Series {
  return { name, role, runs: {}, storedBytes: 0 }
}

/**
 * `keep`: until the set is done. For minutes after very many files were deleted ext4 looks for free inodes past all of
 * them, and whoever restores next would pay for that.
 */
function putAway(restored: string, keep: boolean): void {
  if (!keep) {
    rmSync(restored, { recursive: true, force: true })
    return
  }
  const to = putAwayTo(dirname(restored))
  mkdirSync(to, { recursive: true })
  renameSync(restored, join(to, String(readdirSync(to).length)))
}

function putAwayTo(scratch: string): string {
  return `${scratch}-restored`
}

interface One {
  readonly contender: Contender
  readonly place: Place
  readonly series: Series
  /** Compare what was restored with the source. */
  readonly check: boolean
}

async function measureOne(name: SetName, source: Source, { contender, place, series, check }: One): Promise<void> {
  source.show('first')
  await contender.prepare(place)
  for (const operation of sets[name].operations) {
    if (operation === 'edited') source.show('edited')
    // What earlier work left to be written, or drove out of the page cache, must not be paid for by this one.
    execFileSync('sync')
    execFileSync('sh', ['-c', 'find "$0" -type f -exec cat {} + > /dev/null', source.path])
    const measured = await contender.run(operation, place)
    if (measured === undefined) continue
    ;(series.runs[operation] ??= []).push(measured)
    if (operation === 'first') series.storedBytes = contender.storedBytes(place)
    if (operation === 'edited') series.editedBytes = contender.storedBytes(place)
    if (operation === 'restore') {
      // The floor never saw the edits.
      if (check && (contender.role !== 'floor' || !sets[name].operations.includes('edited')))
        execFileSync('diff', ['-r', source.path, contender.restored(place)])
      putAway(join(place.scratch, 'restored'), sets[name].manyFiles === true)
    }
  }
  await contender.finish?.()
  rmSync(place.scratch, { recursive: true, force: true })
}

/** Profiles cost time, so they have runs of their own. */
export async function lookAtOurselves(folder: string): Promise<Pick<Result, 'wholeProcess' | 'stages'>> {
  const place = { source: join(folder, 'A', 'source'), scratch: join(folder, 'alone') }
  const whole = await wholeProcess(place)
  rmSync(place.scratch, { recursive: true, force: true })
  mkdirSync(place.scratch, { recursive: true })
  const stages = { first: join(folder, 'cpu-first'), restore: join(folder, 'cpu-restore') }
  await profiled('first', place, stages.first)
  await profiled('restore', place, stages.restore)
  rmSync(place.scratch, { recursive: true, force: true })
  return { wholeProcess: whole, stages: { first: stagesOf(stages.first), restore: stagesOf(stages.restore) } }
}

/** Set E short and long, each into an empty vault: what twenty times the data does to memory and time. */
export async function measureGrowth(folder: string, { scale, tell }: { scale: number; tell: Tell }): Promise<Growth[]> {
  const lengths = [1 / 20, 1].map((share) => Math.max(1, Math.round(setE.mebibytes * scale * share)))
  const found: Growth[] = []
  for (const source of ['stream', 'tree'] as const) {
    for (const mebibytes of lengths) {
      for (const [what, measured] of await measureLong(folder, { source, mebibytes })) {
        found.push({ what, mebibytes, measured })
        tell(`set E: ${what} of ${String(mebibytes)} MiB`)
      }
    }
  }
  return found
}

/** Backs up, and restores the tree by a process that has just started. */
async function measureLong(
  folder: string,
  { source, mebibytes }: { source: 'stream' | 'tree'; mebibytes: number },
): Promise<[Growth['what'], Measured][]> {
  const scratch = join(folder, 'growth')
  const tree = join(folder, 'E')
  const restored = join(folder, 'E-restored')
  mkdirSync(scratch, { recursive: true })
  const alone = async (order: EngineOrder): Promise<Measured> => {
    const engine = await EngineProcess.start(scratch)
    const measured = await engine.measure(order)
    await engine.stop()
    return measured
  }
  const found: [Growth['what'], Measured][] = []
  if (source === 'stream')
    found.push(['stream', await alone({ kind: 'stream', path: longStreamProgram, args: [String(mebibytes)] })])
  else {
    await writeLongTree(tree, { ...setE, mebibytes })
    found.push(['tree', await alone({ kind: 'backup', path: tree })])
    rmSync(tree, { recursive: true })
    mkdirSync(restored)
    found.push(['restore of the tree', await alone({ kind: 'restore', path: restored })])
  }
  for (const used of [scratch, restored]) rmSync(used, { recursive: true, force: true })
  return found
}

export function machine(): Result['machine'] {
  const [first] = cpus()
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: totalmem() / 2 ** 30,
    node: process.version,
  }
}
