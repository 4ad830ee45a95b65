/** The tree itself under test: headers, names, unfinished marks, the independence of the second implementation. */
import t from 'tap'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const sources = globSync('src/**/*.ts', { cwd: root })
const everything = [...sources, ...globSync('{test,scripts,bench}/**/*.ts', { cwd: root })]

t.test('the source tree is not empty', async (t) => {
  t.ok(sources.length > 50)
})

t.test('only rooms with a place in their order exist', async (t) => {
  const rooms = ['base', 'config', 'crypto', 'shard', 'backup', 'node', 'chat', 'access', 'api', 'daemon', 'cli']
  t.same(
    readdirSync(join(root, 'src')).filter((name) => !rooms.includes(name)),
    [],
  )
})

t.test('every source file says first what it is', async (t) => {
  t.same(
    sources.filter((path) => !/^\/\*\*\s/.test(read(path))),
    [],
  )
})

t.test('file names are kebab-case nouns of the domain', async (t) => {
  const vague = /(^|-)(util|utils|helper|helpers|manager|misc|common-stuff)(-|$)/
  const stem = (path: string) => basename(path).replace(/(\.long)?(\.test)?(\.d)?\.ts$/, '')
  t.same(
    everything.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem(path)) || vague.test(stem(path))),
    [],
  )
})

t.test('nothing is left half done', async (t) => {
  const marks = /\b(FIXME|XXX|HACK)\b|\bTODO\b(?!\(#\d+\))|@ts-(ignore|nocheck)/
  const unfinished = [...sources, 'bin/plexichat', 'bin/plexichat-open'].filter((path) => marks.test(read(path)))
  t.same(unfinished, [])
})

t.test('exceptions from lint give their reason', async (t) => {
  const bare = /eslint-disable(?:-next-line|-line)?(?![^\n]* -- \S)/
  const silent = sources.filter((path) => bare.test(read(path)))
  t.same(silent, [])
})

t.test('plexichat-open imports published packages and node only, never src', async (t) => {
  const allowed =
    /^(node:(zlib|fs|path|crypto|process|url|child_process|module)|@noble\/[\w/.-]+|@scure\/[\w/.-]+|merkletreejs|cborg)$/
  const text = read('bin/plexichat-open')
  const imports = [...text.matchAll(/(?:^import|\bfrom|\bimport\()\s*'([^']+)'/gm)].map((match) => match[1] ?? '')
  t.ok(imports.length > 5)
  t.same(
    imports.filter((name) => !allowed.test(name)),
    [],
  )
})
