/** What the pages tell readers to type exists: links, npm scripts, commands and their options. */
import t from 'tap'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { errorTable } from '../../src/base/error-table.ts'
import { Cli } from '../../src/cli/cli.ts'
import type { CliIo } from '../../src/cli/io.ts'
import { commandTable } from '../../src/cli/command-table.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const pages = globSync(['README.md', 'docs/**/*.md'], { cwd: root })
/** Of the program itself, in every command. */
const globalOptions = [
  '--home',
  '--json',
  '--quiet',
  '--no-color',
  '--no-progress',
  '--yes',
  '--timeout',
  '--help',
  '-v',
]

/** Lines of fenced blocks, and inline code. */
function codeOf(page: string): string[] {
  const fenced = [...page.matchAll(/^```(?:sh|console|bash)\n([\s\S]*?)^```/gm)].flatMap(
    ([, block]) => block?.split('\n') ?? [],
  )
  const inline = [...page.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '')
  return [...fenced, ...inline].map((line) => line.replace(/\s#\s.*$/, ''))
}

t.test('there are pages', async (t) => {
  for (const page of ['README.md', 'docs/ARCHITECTURE.md', 'docs/ERRORS.md']) t.ok(pages.includes(page), page)
})

t.test('links lead to files', async (t) => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  )
  t.same(broken, [])
})

t.test('npm scripts exist', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = pages.flatMap((page) => [...read(page).matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? ''))
  t.ok(named.includes('demo'))
  t.same(
    named.filter((name) => scripts[name] === undefined),
    [],
  )
})

t.test('commands and options that pages name exist', async (t) => {
  const commands = await commandsByName()
  const lines = pages.flatMap((page) => codeOf(read(page)).map((line) => [page, line] as const))
  const wrong = lines.flatMap(([page, line]) => mistakes(line, commands).map((mistake) => `${page}: ${mistake}`))
  t.ok(lines.length > 50)
  t.same(wrong, [])
})

t.test('commands that remedies name exist', async (t) => {
  const commands = await commandsByName()
  const wrong = Object.entries(errorTable).flatMap(([code, { remedy }]) =>
    mistakes(remedy.replaceAll(/\{\w+\}/g, 'X'), commands).map((mistake) => `${code}: ${mistake}`),
  )
  t.same(wrong, [])
})

async function commandsByName(): Promise<Map<string, Command>> {
  // Building a command runs nothing, so it needs no terminal.
  const cli = new Cli({} as CliIo, () => Promise.reject(new Error('not needed')))
  const built = commandTable.map(async ({ name, load }) => [name, (await load()).build(cli)] as const)
  return new Map(await Promise.all(built))
}

/** What in `text` is called like a command of ours and is none: the first words after the program's name, its options. */
function mistakes(text: string, commands: ReadonlyMap<string, Command>): string[] {
  return [...text.matchAll(/(?:^|[\s/(])plexichat ((?:--home \S+ )?[a-z][^`|;&)]*)/g)].flatMap(([, call]) => {
    const [name, ...rest] = (call ?? '')
      .replace(/^--home \S+ /, '')
      .trim()
      .split(/\s+/)
    if (name === 'help') return []
    const command = commands.get(name ?? '')
    if (command === undefined) return [`no command ${String(name)} in "${text.trim()}"`]
    return unknownOptions(command, rest).map((option) => `no option ${option} in "${text.trim()}"`)
  })
}

function unknownOptions(command: Command, words: readonly string[]): string[] {
  const sub = command.commands.find((one) => one.name() === words[0] || one.aliases().includes(words[0] ?? ''))
  const own = [command, ...(sub === undefined ? command.commands : [sub])].flatMap((one) => one.options)
  const known = new Set([...globalOptions, ...own.flatMap(({ long, short }) => [long, short])])
  // What follows `--` is another program's.
  const ours = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  const used = ours.filter((word) => /^-/.test(word)).map((word) => word.replace(/[=,.].*$/, ''))
  return used.filter((option) => !known.has(option))
}
