/** Every format is a document, a set of vectors and code that names the document; none of them may be missing. */
import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const specs = globSync('docs/spec/*.md', { cwd: root }).sort()
const numberOf = (path: string) => basename(path).slice(0, 2)

interface Vector {
  readonly name: string
  readonly spec: string
  readonly input: unknown
  readonly expect: unknown
  readonly why: string
}

t.test('the formats are specified', async (t) => {
  t.same(specs.map(numberOf), ['01', '02', '03', '04', '05', '06', '07'])
})

for (const spec of specs) {
  const name = basename(spec, '.md')
  t.test(name, async (t) => {
    const vectors = JSON.parse(read(`test/vectors/${name}.json`)) as Vector[]
    t.ok(vectors.length > 0, 'has vectors')
    t.ok(
      vectors.some((vector) => isFailure(vector)),
      'has vectors that must fail',
    )
    for (const vector of vectors) {
      t.match(vector, { name: String, spec: new RegExp(`^${numberOf(spec)}§`), why: String })
      t.hasProps(vector, ['input', 'expect'])
    }
    t.equal(new Set(vectors.map((vector) => vector.name)).size, vectors.length, 'names differ')
    const sources = globSync('src/**/*.ts', { cwd: root })
    const named = sources.some((path) => read(path).slice(0, 2000).includes(spec))
    t.ok(named, 'is named by the header of a source file')
  })
}

t.test('references to specs lead somewhere', async (t) => {
  const pages = globSync('{src,test,scripts}/**/*.ts', { cwd: root })
  const dangling = pages.flatMap((path) =>
    [...read(path).matchAll(/docs\/spec\/[\w-]+\.md/g)].map(([spec]) => spec).filter((spec) => !specs.includes(spec)),
  )
  t.same(dangling, [])
})

function isFailure(vector: Vector): boolean {
  return typeof vector.expect === 'object' && vector.expect !== null && 'error' in vector.expect
}
