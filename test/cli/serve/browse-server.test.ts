/** Browsing over HTTP and WebDAV: what a browser, a file manager and a stranger get. */
import { request } from 'node:http'
import fc from 'fast-check'
import t from 'tap'
import type { ApiClient, Entry } from '../../../src/api/index.ts'
import { PlexiError } from '../../../src/base/errors.ts'
import { BrowseServer } from '../../../src/cli/serve/browse-server.ts'
import { rangeOf } from '../../../src/cli/serve/range.ts'
import { dispositionOf, escaped, hrefOf, typeOf } from '../../../src/cli/serve/safe-text.ts'
import { Shelf } from '../../../src/cli/serve/shelf.ts'

const TIME = '2026-01-02T03:04:05.678Z'
const ID = 'ab'.repeat(16)
const SNAPSHOT = '2026-01-02T03-04-05-abababababab'
const EVIL = '<script>alert("1") & \u202e.html'
const TEXT = 'hello, world\n'
const TOKEN = 'a-token-of-the-test'

const files: Readonly<Record<string, Partial<Entry>>> = {
  docs: { type: 'dir' },
  'docs/a.txt': { size: TEXT.length },
  [`docs/${EVIL}`]: { size: TEXT.length },
  'docs/broken.bin': { size: 10 },
  'docs/link': { type: 'symlink', target: '<b>' },
  'docs/empty': { type: 'dir' },
}
const all: Entry[] = Object.entries(files).map(([path, entry]) => {
  return { type: 'file', size: 0, mode: 0o644, mtime: TIME, user: null, group: null, path, ...entry }
})

interface Asked {
  params: { ref: string }
  query: { at?: string; from?: number; length?: number }
}

/** The daemon's lists and bytes over the files above. */
const daemon = {
  async *list(route: string, { params, query }: Asked) {
    if (route === 'snapshots') {
      yield { id: ID, time: TIME }
      return
    }
    if (params.ref !== 'latest' && params.ref !== ID.slice(0, 12))
      throw new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: params.ref })
    const { at = '' } = query
    const self = all.find(({ path }) => path === at)
    if (at !== '' && self === undefined) throw new PlexiError('STORAGE_PATH_NOT_FOUND', { path: at })
    if (self !== undefined && self.type !== 'dir') yield self
    else yield* all.filter(({ path }) => path.slice(0, Math.max(path.lastIndexOf('/'), 0)) === at)
  },
  async *bytes(_route: string, { query }: Asked) {
    const { at = '', from = 0, length = 0 } = query
    yield Buffer.from(TEXT).subarray(from, from + Math.min(length, 4))
    if (at.endsWith('broken.bin')) throw new PlexiError('STORAGE_UNRESTORABLE', { lost: 1 })
    yield Buffer.from(TEXT).subarray(from + 4, from + Math.max(length, 4))
  },
} as unknown as ApiClient

const server = new BrowseServer({ port: 0, token: TOKEN }, new Shelf(daemon))
let base: URL
t.before(async () => {
  base = new URL(await server.start())
})
t.teardown(() => server.stop())

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
  /** The connection was cut before the end. */
  broken: boolean
}

function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options
    const sent = request({ host: base.hostname, port: base.port, path, method, headers, agent: false }, (response) => {
      let text = ''
      const done = (broken: boolean) => () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, broken })
      }
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', done(false)).once('error', done(true))
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
const at = (...names: string[]): string => hrefOf([TOKEN, ...names], false)

t.test('directories as pages whose links lead further', async (t) => {
  const top = await ask(at())
  t.match(top, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
  t.match(top.body, `href="/${TOKEN}/latest/"`)
  t.match(top.body, `href="/${TOKEN}/${SNAPSHOT}/"`)
  for (const snapshot of ['latest', SNAPSHOT]) {
    const page = await ask(`${at(snapshot, 'docs')}/`)
    const links = [...page.body.matchAll(/href="([^"]+)"/g)].map(([, link]) => link ?? '')
    t.same(links.length, 5, 'up, three files and a directory; no link for a link')
    for (const link of links) t.equal((await ask(link, { method: 'HEAD' })).status, 200, link)
  }
  t.match(await ask(at('latest', 'docs', 'empty')), { status: 200 })
})

t.test('nothing of a backup becomes a page or runs', async (t) => {
  const page = await ask(at('latest', 'docs'))
  t.notMatch(page.body, /<script|<b>|\u202e/)
  t.match(page.body, '&lt;script&gt;')
  const file = await ask(at('latest', 'docs', EVIL))
  t.equal(file.body, TEXT)
  t.match(file.headers, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': /^default-src 'none'; sandbox/,
    'referrer-policy': 'no-referrer',
  })
  t.match((await ask(at('latest', 'docs', 'broken.bin'), { method: 'HEAD' })).headers['content-disposition'], /^attach/)
  for (const name of ['a.svg', 'a.pdf', 'a', 'a.xhtml', 'a.wasm', 'html', 'a.html.'])
    t.equal(typeOf(name), 'application/octet-stream', name)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const safe = escaped(name)
      return !/[<>"'\u0000-\u001f]/.test(safe) && /^[\x20-\x7e]+$/.test(dispositionOf(name))
    }),
  )
})

t.test('parts of files, and the head alone', async (t) => {
  const file = at('latest', 'docs', 'a.txt')
  const range = (text: string, more = {}) => ask(file, { headers: { range: text, ...more } })
  t.match(await range('bytes=7-11'), { status: 206, body: 'world', headers: { 'content-range': 'bytes 7-11/13' } })
  t.match(await range('bytes=-6'), { status: 206, body: 'world\n' })
  t.match(await range('bytes=99-'), { status: 416, body: '', headers: { 'content-range': 'bytes */13' } })
  t.match(await range('bytes=0-1,3-4'), { status: 200, body: TEXT })
  const changed = { 'if-range': 'Thu, 01 Jan 1970 00:00:00 GMT' }
  t.match(await range('bytes=7-11', changed), { status: 200, body: TEXT })
  t.match(await range('bytes=7-11', { 'if-range': 'Fri, 02 Jan 2026 03:04:05 GMT' }), { status: 206 })
  t.match(await ask(file, { method: 'HEAD' }), { status: 200, body: '', headers: { 'content-length': '13' } })
  const broken = await ask(at('latest', 'docs', 'broken.bin'))
  t.match(broken, { status: 200, broken: true }, 'half a file does not pass for one')

  fc.assert(
    fc.property(fc.nat(50), fc.option(fc.nat(60)), fc.option(fc.nat(60)), (size, first, last) => {
      const found = rangeOf(`bytes=${first ?? ''}-${last ?? ''}`, size)
      const bytes = Array.from({ length: size }, (_, i) => i)
      const wanted =
        first === null ? bytes.slice(size - Math.min(last ?? 0, size)) : bytes.slice(first, (last ?? size) + 1)
      const unusable = (first === null && last === null) || (first !== null && last !== null && last < first)
      if (unusable) return found === undefined
      if (wanted.length === 0) return found === null
      return found?.from === wanted[0] && found?.length === wanted.length
    }),
  )
})

t.test('WebDAV: properties of one level', async (t) => {
  const options = await ask(at('latest'), { method: 'OPTIONS' })
  t.match(options.headers, { dav: '1', allow: 'OPTIONS, GET, HEAD, PROPFIND' })
  const propfind = (path: string, depth: string, body = '<propfind/>') =>
    ask(path, { method: 'PROPFIND', headers: { depth }, body })
  const hrefs = ({ body }: Answer) => [...body.matchAll(/<D:href>(.*?)<\/D:href>/g)].map(([, href]) => href)
  const docs = await propfind(at('latest', 'docs'), '1')
  t.equal(docs.status, 207)
  t.same(hrefs(docs), [
    `/${TOKEN}/latest/docs/`,
    ...['a.txt', EVIL, 'broken.bin'].map((name) => at('latest', 'docs', name)),
    `/${TOKEN}/latest/docs/empty/`,
  ])
  t.match(docs.body, '<D:getcontentlength>13</D:getcontentlength>')
  t.notMatch(docs.body, '<script')
  t.same(hrefs(await propfind(at('latest', 'docs'), '0')), [`/${TOKEN}/latest/docs/`])
  t.same(hrefs(await propfind(at('latest', 'docs', 'a.txt'), '1')), [at('latest', 'docs', 'a.txt')])
  t.same(hrefs(await propfind(at(), '1')).length, 3)
  t.match(await propfind(at('latest'), 'infinity'), { status: 403, body: /propfind-finite-depth/ })
  t.equal((await propfind(at('latest', 'docs'), '1', 'x'.repeat(100_000))).status, 413)
})

t.test('strangers and writers are turned away', async (t) => {
  for (const path of ['/', '/latest/', '/wrong-token/', `/${TOKEN}x/`, '/favicon.ico'])
    t.equal((await ask(path)).status, 404, path)
  for (const host of ['evil.example', `evil.example:${base.port}`, '127.0.0.1', `${base.host}.evil.example`])
    t.equal((await ask(at(), { headers: { host } })).status, 403, host)
  for (const method of ['PUT', 'DELETE', 'MKCOL', 'MOVE', 'COPY', 'LOCK', 'PROPPATCH', 'POST'])
    t.match(await ask(at('latest', 'docs', 'a.txt'), { method }), { status: 405, headers: { allow: String } }, method)
  for (const path of ['%2e%2e', 'a%2fb', 'a%00', '%zz'])
    t.equal((await ask(`${at('latest')}/${path}`)).status, 400, path)
  for (const names of [['beef'], ['latest', 'none'], ['2026-01-02T03-04-05-000000000000'], ['latest', 'docs', 'link']])
    t.equal((await ask(at(...names))).status, 404, names.join('/'))
  const second = new BrowseServer({ port: Number(base.port), token: TOKEN }, new Shelf(daemon))
  await t.rejects(second.start(), { code: 'NETWORK_LISTEN' })
})
