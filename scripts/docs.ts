/**
 * `npm run docs [-- --check]`: writes what is generated from code – docs/ERRORS.md from the error table, config/ from the
 * settings and the room graph in docs/ARCHITECTURE.md from the imports. With `--check` nothing is written and stale files fail.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig } from '../src/daemon/settings.ts'
import { configSchema } from './docs/config-files.ts'
import { errorsPage } from './docs/errors-page.ts'
import { roomGraph } from './docs/room-graph.ts'
import { root } from './command.ts'

interface Generated {
  readonly path: string
  readonly text: string
}

const check = process.argv.includes('--check')
const stale = (await generated()).filter(({ path, text }) => current(path) !== text)
for (const { path, text } of stale) {
  if (check) console.log(`${path} is stale: npm run docs`)
  else writeFileSync(join(root, path), text)
}
if (check && stale.length > 0) process.exitCode = 1

async function generated(): Promise<Generated[]> {
  return [
    { path: 'docs/ERRORS.md', text: errorsPage() },
    { path: 'config/plexichat.toml', text: defaultConfig() },
    { path: 'config/schema.json', text: await configSchema() },
    ...(await architecture()),
  ]
}

async function architecture(): Promise<Generated[]> {
  const path = 'docs/ARCHITECTURE.md'
  const page = current(path)
  return page === undefined ? [] : [{ path, text: withGraph(page, await roomGraph()) }]
}

/** The page with the text between its two markers replaced. */
function withGraph(page: string, graph: string): string {
  const [start, end] = ['<!-- rooms:start (npm run docs) -->', '<!-- rooms:end -->']
  const from = page.indexOf(start)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/ARCHITECTURE.md lacks the lines ${start} and ${end}`)
  return `${page.slice(0, from + start.length)}\n${graph}${page.slice(to)}`
}

function current(path: string): string | undefined {
  const full = join(root, path)
  return existsSync(full) ? readFileSync(full, 'utf8') : undefined
}
