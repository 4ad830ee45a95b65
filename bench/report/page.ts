/** Writes a result into docs/PERFORMANCE.md between its marks, and its charts beside it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { judge } from '../goals.ts'
import type { Result } from '../result.ts'
import { goalChart, setChart } from './charts.ts'
import { comparison, cpu, goals, growth, stages, type Rows } from './tables.ts'

const docs = join(import.meta.dirname, '..', '..', 'docs')
const START = '<!-- bench:start (npm run bench -- --docs) -->'
const END = '<!-- bench:end -->'

export function writePage(result: Result): void {
  const page = join(docs, 'PERFORMANCE.md')
  const text = readFileSync(page, 'utf8')
  const [before, after] = [text.split(START)[0], text.split(END)[1]]
  if (before === undefined || after === undefined) throw new Error(`${page} has lost its marks`)
  mkdirSync(join(docs, 'performance'), { recursive: true })
  for (const set of result.sets) writeChart(`set-${set.set}`, setChart(set))
  writeChart('goals', goalChart(result))
  writeFileSync(join(docs, 'performance', 'result.json'), `${JSON.stringify(result)}\n`)
  writeFileSync(page, `${before}${START}\n\n${body(result)}\n\n${END}${after}`)
}

function writeChart(name: string, chart: string): void {
  writeFileSync(join(docs, 'performance', `${name}.svg`), chart)
}

function body(result: Result): string {
  const { machine, rounds, scale, wholeProcess } = result
  const verdicts = judge(result)
  const met = verdicts.filter((one) => one.met).length
  const first = result.sets.find(({ set }) => set === 'A')
  const parts = [
    `${machine.cpu}, ${String(machine.cores)} cores, ${machine.memoryGiB.toFixed(0)} GiB, Node ${machine.node}; sources in the page cache; medians of ${String(rounds)} interleaved rounds${scale === 1 ? '' : `, sets at ${String(scale)} of their size`}.`,
    `**${String(met)} of ${String(verdicts.length)} goals met.**`,
    '![goals](performance/goals.svg)',
    markdown(goals(result)),
    'Seconds, and in parentheses PlexiChat’s time divided by theirs:',
    markdown(comparison(result)),
    ...result.sets.map(({ set }) => `![set ${set}](performance/set-${set}.svg)`),
    '### CPU seconds',
    markdown(cpu(result)),
  ]
  if (result.growth.length > 0) parts.push('### Growth', markdown(growth(result)))
  if (wholeProcess !== undefined && first !== undefined)
    parts.push(`A first backup of A as one process, its start and end included: ${wholeProcess.seconds.toFixed(2)} s.`)
  if (result.stages.first !== undefined)
    parts.push('### Stages of a first backup of A', markdown(stages(result.stages.first)))
  if (result.stages.restore !== undefined)
    parts.push('### Stages of its restore', markdown(stages(result.stages.restore)))
  return parts.join('\n\n')
}

function markdown({ head, rows }: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

if (import.meta.main) writePage(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Result)
