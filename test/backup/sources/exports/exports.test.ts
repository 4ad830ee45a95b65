/** Exports in whole backups: byte by byte the same, counted, and cheap the second time. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DirectoryNetwork, type BackupEngine } from '../../../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../../../src/daemon/system/index.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../../support/vault.ts'
import { makeZip, type Member } from '../../../support/zip.ts'

async function bench(t: {
  teardown(work: () => Promise<void>): void
}): Promise<{ dir: string; source: string; engine: BackupEngine }> {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  return { dir, source, engine }
}

/** Days of a channel; `from` to `to` of them, each 40 KB that does not compress well. */
function workspace(days: number, time: number, contents: Map<string, string>): Buffer {
  const members: Member[] = [
    { name: 'channels.json', content: '[{"name":"general"}]', time },
    { name: 'users.json', content: '[]', time },
  ]
  for (const channel of ['alpha', 'general']) {
    for (let day = 1; day <= days; day++) {
      const name = `${channel}/2024-01-${String(day).padStart(2, '0')}.json`
      const known = contents.get(name)
      const messages = Array.from({ length: 10 }, () => ({ type: 'message', text: randomBytes(2000).toString('hex') }))
      const content = known ?? JSON.stringify(messages)
      contents.set(name, content)
      members.push({ name, content, time })
    }
  }
  return makeZip(members)
}

t.test('a Slack export: counted; the next full export costs what is new', async (t) => {
  const { dir, source, engine } = await bench(t)
  const path = join(source, 'Acme Slack export Jan 1 2024 - Jan 20 2024.zip')
  const contents = new Map<string, string>()
  writeFileSync(path, workspace(20, 100, contents))
  const first = await summaryOf(engine.backup({ paths: [source] }, never))
  t.same(first.exports, [{ path, app: 'slack', messages: 400, warnings: [] }])

  const second = workspace(21, 7000, contents)
  writeFileSync(path, second)
  const again = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(again.exports, [{ messages: 420 }])
  t.ok(again.newBytes < second.length / 8, `${again.newBytes} of ${second.length} bytes are new`)
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.ok(readFileSync(join(dir, 'out/source', path.split('/').at(-1)!)).equals(second))

  writeFileSync(path, second.subarray(0, second.length - 5000))
  const broken = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(broken.exports, [{ app: 'slack', messages: null, warnings: [/not complete/] }])
  const damaged = Buffer.from(second)
  randomBytes(3000).copy(damaged, 50_000)
  writeFileSync(path, damaged)
  const odd = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(odd.exports, [{ app: 'slack', warnings: [/cannot be unpacked/] }])
  t.equal(odd.skipped.length, 0, 'it is stored all the same')
})

t.test('zips of other apps, and zips that are no exports', async (t) => {
  const { dir, source, engine } = await bench(t)
  const chat = '[31.12.23, 22:15:03] Anna: hi\n[31.12.23, 22:15:04] Ben: hi\n'
  const zips: Record<string, Member[]> = {
    'WhatsApp Chat - Anna.zip': [
      { name: '_chat.txt', content: chat },
      { name: 'photo.jpg', content: randomBytes(5000) },
    ],
    'mattermost.zip': [
      { name: 'import.jsonl', content: '{"type":"version","version":1}\n{"type":"post","post":{}}\n' },
    ],
    'room.zip': [{ name: 'messages.json', content: '{"msg":"a","username":"u","ts":"1"}\n' }],
    'pictures.zip': [
      { name: 'a.jpg', content: randomBytes(100_000) },
      { name: '../b', content: randomBytes(600_000) },
    ],
    'empty.zip': [],
  }
  for (const [name, members] of Object.entries(zips)) writeFileSync(join(source, name), makeZip(members))
  writeFileSync(join(source, 'none.zip'), 'no zip at all')
  const summary = await summaryOf(engine.backup({ paths: [source], note: 'weekly' }, never))
  t.match(summary, { files: 6, skipped: [] })
  t.same(
    summary.exports.map(({ app, messages, warnings }) => [app, messages, warnings.length]),
    [
      ['whatsapp', 2, 0],
      ['mattermost', 1, 0],
      ['rocketchat', 1, 0],
    ],
  )
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  for (const name of [...Object.keys(zips), 'none.zip'])
    t.ok(readFileSync(join(dir, 'out/source', name)).equals(readFileSync(join(source, name))), name)
})

t.test('files that are known by their names as well are found in any directory', async (t) => {
  const { source, engine } = await bench(t)
  writeFileSync(join(source, '_chat.txt'), '[31.12.23, 22:15:03] Anna: hi\n[31.12.23, 22:15:04] Ben: hi\n')
  writeFileSync(join(source, 'not-a-chat.txt'), '[31.12.23, 22:15:03] Anna: hi\n')
  const { exports } = await summaryOf(engine.backup({ paths: [source] }, never))
  t.same(exports, [{ path: join(source, '_chat.txt'), app: 'whatsapp', messages: 2, warnings: [] }])
})

t.test('dumps: as files and as streams; a cut off one is stored and told', async (t) => {
  const { source, engine } = await bench(t)
  const dump = `--\n-- PostgreSQL database dump\n--\n${'x\n'.repeat(300_000)}--\n-- PostgreSQL database dump complete\n--\n`
  writeFileSync(join(source, 'shop.sql'), dump)
  writeFileSync(join(source, 'half.sql'), dump.slice(0, 400_000))
  const { exports } = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(exports, [
    { path: join(source, 'half.sql'), app: 'postgresql', messages: null, warnings: [/cut off/] },
    { path: join(source, 'shop.sql'), warnings: [] },
  ])
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(dump.slice(0, 100_000))
    yield Buffer.from(dump.slice(100_000, 300_000))
  }
  const streamed = await summaryOf(engine.backup({ stream: { name: 'piped', data: stream() } }, never))
  t.match(streamed.exports, [{ path: 'piped', app: 'postgresql', warnings: [/cut off/] }])
})
