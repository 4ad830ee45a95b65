/**
 * `npm test [-- PATH…]`: the suite through tap, a line per file, failures in full, seconds per group held against
 * test/budget.json, and as its last line `N passed, N failed`. `--long` runs the *.long.test.ts files as well and tells
 * tests to run their full figures (PLEXICHAT_TEST_LONG=1). A test is a `t.test` of a file; a file that fails outside
 * of its tests counts as one failed test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Parser, type Result } from 'tap-parser'
import { root, run, toolEnvironment } from './command.ts'

interface Tally {
  passed: number
  failed: number
  skipped: number
}

interface FileResult {
  readonly tally: Tally
  readonly failures: string[]
}

const long = process.argv.includes('--long')
const files = testFiles(process.argv.slice(2).filter((argument) => argument !== '--long'))
const total: Tally = { passed: 0, failed: 0, skipped: 0 }
/** Of one file: the first failures explain the rest. */
const MAX_FAILURES_TOLD = 6
const toldElsewhere = new Set([
  'diff',
  'stack',
  'at',
  'source',
  'stdio',
  'cwd',
  'externalID',
  'command',
  'args',
  'jobId',
])
const resultOf = new Map<string, FileResult>()
const secondsOf = new Map<string, number>()
const started = performance.now()

// Tests that start the program start what is published: a daemon is up in half the time.
const built = files.length === 0 ? undefined : await run('node', ['scripts/build.ts'])
if (built !== undefined && built.exitCode !== 0) {
  console.log(built.output)
  total.failed = 1
} else if (files.length === 0) {
  console.log('no test file matches')
  total.failed = 1
} else {
  const exitCode = await runTap()
  if (exitCode !== 0 && total.failed === 0) total.failed = 1
  const over = overBudget()
  for (const line of over) console.log(`✗ ${line}`)
  total.failed += over.length
  console.log(`${files.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}
console.log(closingLine())
process.exitCode = total.failed === 0 ? 0 : 1

function testFiles(wanted: readonly string[]): string[] {
  const places = wanted.length === 0 ? ['test'] : wanted
  const found = places.flatMap((place) => {
    const path = join(root, place)
    if (!existsSync(path)) return []
    return statSync(path).isDirectory() ? globSync(`${place}/**/*.test.ts`, { cwd: root }) : [place]
  })
  const named = new Set(wanted)
  return [...new Set(found)].filter((file) => long || named.has(file) || !file.endsWith('.long.test.ts')).sort()
}

/** tap follows .taprc only from its second run on: the first would load a compiler for TypeScript into every test. */
async function buildRunner(): Promise<void> {
  const built = readFileSync(join(root, 'node_modules/@tapjs/test/test-built/dist/esm/index.js'), 'utf8')
  if (built.includes('@tapjs/typescript')) await run('tap', ['build'])
}

async function runTap(): Promise<number> {
  await buildRunner()
  const env = {
    ...toolEnvironment(),
    PLEXI_BUILT: '1',
    NODE_OPTIONS: `--import=${join(root, 'test/support/no-loaders.mjs')}`,
    // Every file is a process that loads the same modules, and so is every daemon they start.
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'),
    ...(long ? { PLEXICHAT_TEST_LONG: '1' } : {}),
  }
  const args = ['run', '--reporter=tap', `--timeout=${long ? '3600' : '400'}`, ...files]
  const child = spawn('tap', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const parser = new Parser()
  parser.on('child', watchFile)
  parser.on('assert', reportFile)
  child.stdout.pipe(parser)
  return ended(child)
}

/** Counts the tests of one file from its part of the TAP stream. */
function watchFile(file: Parser): void {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  const seen: FileResult = { tally, failures: [] }
  resultOf.set(file.name, seen)
  file.on('assert', (result: Result) => {
    tally[verdict(result)]++
  })
  file.on('bailout', (reason: string) => seen.failures.push(`  bailed out: ${reason}`))
  watchFailures(file, [], seen.failures)
}

/** A file has ended: `result` is the runner's own line about it, with its whole duration. */
function reportFile(result: Result): void {
  const { tally, failures } = resultOf.get(result.name) ?? { tally: { passed: 0, failed: 0, skipped: 0 }, failures: [] }
  if (!result.ok && tally.failed === 0) tally.failed = 1
  if (result.ok && result.skip !== false) tally.skipped += 1
  const seconds = (result.time ?? 0) / 1000
  total.passed += tally.passed
  total.failed += tally.failed
  total.skipped += tally.skipped
  const group = result.name.split(/[\\/]/)[1]
  // Without a file it is tap's own word about the run as a whole.
  if (group !== undefined) secondsOf.set(group, (secondsOf.get(group) ?? 0) + seconds)
  console.log(`${result.ok ? '✓' : '✗'} ${result.name}  ${summary(tally)}  ${seconds.toFixed(1)} s`)
  if (result.ok) return
  const told = failures.slice(0, MAX_FAILURES_TOLD)
  for (const failure of [...told, diagnosis(result)]) console.log(failure)
  if (told.length < failures.length) console.log(`  … and ${failures.length - told.length} more`)
}

/** Collects failed points at every depth, each with the path of test names that leads to it. */
function watchFailures(at: Parser, path: readonly string[], failures: string[]): void {
  at.on('child', (child: Parser) => {
    watchFailures(child, [...path, child.name], failures)
  })
  at.on('assert', (result: Result) => {
    if (result.ok || result.skip !== false || result.todo !== false) return
    const where = `  not ok: ${[...path, result.name].join(' › ')}`
    // A test fails because of a point inside it, which has been told already.
    if (!failures.some((failure) => failure.startsWith(`${where} › `))) failures.push(`${where}\n${diagnosis(result)}`)
  })
}

/** What tap knows about a failed point, readable: its diff and stack as text, then what else it says. */
function diagnosis(result: Result): string {
  const known = (result.diag ?? {}) as Record<string, unknown>
  const texts = ['diff', 'stack'].map((name) => known[name]).filter((text) => typeof text === 'string')
  const rest = Object.entries(known).filter(([name, value]) => !toldElsewhere.has(name) && value !== null)
  const fields = rest.map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return [...texts, ...fields].join('\n').slice(0, 8_000).trimEnd().replace(/^/gm, '    ')
}

function verdict(result: Result): keyof Tally {
  if (result.skip !== false || result.todo !== false) return 'skipped'
  return result.ok ? 'passed' : 'failed'
}

function summary(tally: Tally): string {
  const parts = [`${tally.passed} passed`]
  if (tally.failed > 0) parts.push(`${tally.failed} failed`)
  if (tally.skipped > 0) parts.push(`${tally.skipped} skipped`)
  return parts.join(', ')
}

function closingLine(): string {
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  return `${total.passed} passed, ${total.failed} failed${skipped}`
}

/** Groups that took longer than budgeted, or have no budget. Only judged when the whole bounded suite ran. */
function overBudget(): string[] {
  if (long || process.argv.length > 2) return []
  const budget = JSON.parse(readFileSync(join(root, 'test/budget.json'), 'utf8')) as { seconds: Record<string, number> }
  return [...secondsOf].flatMap(([group, seconds]) => {
    const allowed = budget.seconds[group]
    if (allowed === undefined) return [`test/${group} has no budget in test/budget.json`]
    return seconds > allowed ? [`test/${group} took ${seconds.toFixed(1)} s, its budget is ${allowed} s`] : []
  })
}

function ended(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.on('error', reject)
  child.on('close', (code) => {
    resolve(code ?? 1)
  })
  return promise
}
