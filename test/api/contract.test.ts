/** The contract against itself and its document: names, methods, roles, and that every route is written down. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { contract, type RouteContract } from '../../src/api/contract.ts'
import { paths, type RouteName, type RoutePath } from '../../src/api/paths.ts'

const routes = Object.entries(paths) as [RouteName, RoutePath][]
const contractOf = (name: RouteName): RouteContract => contract[name]

t.test('every route is in docs/API.md with its role', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'API.md'), 'utf8')
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  for (const [name, { method, path }] of routes) {
    const row = rows.find((line) => line.includes(`\`${method} ${path}\``) || line.includes(`\`${method} ${path}?`))
    t.match(row, contractOf(name).role, `${method} ${path}`)
  }
})

t.test('nothing changes by GET, and nothing is open that says anything', async (t) => {
  for (const [name, { method }] of routes) {
    const { body, role } = contractOf(name)
    if (method === 'GET') t.equal(body, undefined, name)
    else t.not(role, 'viewer', name)
  }
  const open = routes.filter(([name]) => contractOf(name).role === 'open').map(([name]) => name)
  t.strictSame(open.toSorted(), ['healthLive', 'healthReady', 'openapi'])
})

t.test('each path parameter is described', async (t) => {
  for (const [name, { path }] of routes) {
    const named = [...path.matchAll(/:(\w+)/g)].map(([, parameter]) => parameter)
    const { params } = contractOf(name)
    const described = params === undefined ? [] : Object.keys((params as unknown as { shape: object }).shape)
    t.strictSame(described, named, name)
  }
})
