/**
 * `npm run bench`: PlexiChat beside its peers, rounds interleaved so that a machine that slows down slows down for all.
 * Prints medians, ratios and goals; absolute times are only for orientation.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import Table from 'cli-table3'
import { mapBounded } from '../src/base/queue.ts'
import { borg } from './contenders/borg.ts'
import type { Contender } from './contenders/contender.ts'
import { floor } from './contenders/floor.ts'
import { buildProgram, Plexichat } from './contenders/plexichat.ts'
import { restic } from './contenders/restic.ts'
import { setNames, type SetName } from './data/sets.ts'
import { writePage } from './report/page.ts'
import { comparison, cpu, goals, growth, stages, type Rows } from './report/tables.ts'
import type { Result, SetResult } from './result.ts'
import { lookAtOurselves, machine, measureGrowth, measureSet } from './run.ts'

const USAGE = `npm run bench -- [options]
  --sets A,B,C,D,E          which data sets; E is memory and growth
  --only plexichat,restic   which contenders, by the start of their names
  --rounds 5                of each contender, interleaved
  --scale 1                 of the full size; or --mebibytes 1024, said of set A
  --json FILE               all figures, written after every set
  --docs                    writes the figures and charts into docs
  --folder DIR              where data and stores lie meanwhile
  --no-profile              without the cost of each stage`

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: 'A,B,C,D,E' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string' },
    mebibytes: { type: 'string' },
    json: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
    docs: { type: 'boolean', default: false },
    'no-profile': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  console.log(USAGE)
  process.exit(0)
}

const rounds = Number(values.rounds)
/** `--mebibytes` is said of set A; the others shrink alike. */
const scale = values.mebibytes === undefined ? Number(values.scale ?? 1) : Number(values.mebibytes) / 1024
const wanted = values.sets.toUpperCase().split(',')
const chosen = setNames.filter((name) => wanted.includes(name))
const started = performance.now()

mkdirSync(values.folder, { recursive: true })
const folder = mkdtempSync(join(values.folder, 'plexichat-bench-'))
const clear = () => {
  rmSync(folder, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    clear()
    process.exit(130)
  })
try {
  const result = await main()
  keep(result)
  print(result)
  if (values.docs) writePage(result)
} finally {
  clear()
}

async function main(): Promise<Result> {
  buildProgram()
  await makeSets()
  const sets: SetResult[] = []
  const soFar = { machine: machine(), rounds, scale, sets, growth: [], stages: {} }
  for (const name of chosen) {
    sets.push(await measureSet({ folder, name, rounds, contenders: contenders(), tell }))
    keep(soFar)
  }
  const ourselves = chosen.includes('A') && !values['no-profile'] ? await lookAtOurselves(folder) : { stages: {} }
  const growth = wanted.includes('E') ? await measureGrowth(folder, { scale, tell }) : []
  return { ...soFar, growth, ...ourselves }
}

/** After every set: an hour's figures must not hang on the last minute. */
function keep(result: Result): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, undefined, 1)}\n`)
}

function contenders(): Contender[] {
  const only = values.only?.split(',')
  // On random bytes compression has nothing to do, and on small files borg is far behind whatever it compresses with.
  const all = [new Plexichat(), floor, restic(), borg('lz4', []), borg('zstd,3', ['C', 'D'])]
  return all
    .filter((contender) => contender !== undefined)
    .filter(({ name, role }) => only?.some((word) => name.toLowerCase().startsWith(word) || role === word) ?? true)
}

/** Each by a process of its own, two at a time. */
async function makeSets(): Promise<void> {
  const program = join(import.meta.dirname, 'data', 'sets.ts')
  await mapBounded(chosen, 2, async (name: SetName) => {
    await promisify(execFile)(process.execPath, [program, name, join(folder, name), String(scale)])
    tell(`set ${name} made`)
  })
}

function tell(what: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${what}`)
}

function print(result: Result): void {
  table('medians; (…): time of PlexiChat divided by theirs', comparison(result))
  table('CPU seconds', cpu(result))
  if (result.growth.length > 0) table('growth', growth(result))
  for (const [operation, found] of Object.entries(result.stages)) table(`stages of ${operation}, set A`, stages(found))
  if (result.wholeProcess !== undefined)
    console.log(`first backup of A as a whole process, start included: ${result.wholeProcess.seconds.toFixed(2)} s`)
  table('goals', goals(result))
}

function table(title: string, { head, rows }: Rows): void {
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } })
  for (const row of rows) drawn.push([...row])
  console.log(`\n${title}\n${drawn.toString()}`)
}
