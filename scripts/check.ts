/**
 * `npm run check`: everything about the tree that can be known without running it – types, lint, format, room order,
 * dead code, generated files up to date. Two checks at a time; every failure is shown, then the exit code is 1.
 */
import { mapBounded } from '../src/base/queue.ts'
import { type Finished, run } from './command.ts'

interface Check {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

const checks: readonly Check[] = [
  { name: 'lint', command: 'eslint', args: ['.', '--max-warnings', '0'] },
  { name: 'types', command: 'tsc', args: ['-p', '.'] },
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  { name: 'rooms', command: 'depcruise', args: ['src', 'scripts', '--output-type', 'err'] },
  { name: 'dead code', command: 'knip', args: ['--no-progress'] },
  { name: 'generated files', command: 'node', args: ['scripts/docs.ts', '--check'] },
  { name: 'vectors', command: 'node', args: ['scripts/vectors.ts', '--check'] },
]

const only = process.argv.slice(2)
const chosen = checks.filter((check) => only.length === 0 || only.includes(check.name))
const results = await mapBounded(chosen, 2, async (check) => {
  const finished = await run(check.command, check.args)
  report(check, finished)
  return finished
})
const failed = results.filter((finished) => finished.exitCode !== 0).length
console.log(failed === 0 ? 'check: all good' : `check: ${failed} of ${chosen.length} failed`)
process.exitCode = failed === 0 ? 0 : 1

function report(check: Check, finished: Finished): void {
  const ok = finished.exitCode === 0
  console.log(`${ok ? '✓' : '✗'} ${check.name.padEnd(16)} ${finished.seconds.toFixed(1)} s`)
  if (!ok) console.log(finished.output.trimEnd().replace(/^/gm, '  '))
}
