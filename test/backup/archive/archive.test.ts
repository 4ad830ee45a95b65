/** Exported archives as another program reads them: the system's tar. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, linkSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { tarEnd, tarHeader, type TarEntry } from '../../../src/backup/archive/tar-header.ts'
import { compareTrees } from '../../../src/cli/offline/demo/compare-trees.ts'
import { systemDisk } from '../../../src/daemon/system/index.ts'
import { lacks } from '../../support/file-system.ts'
import { MemoryHosts, MemoryNetwork } from '../../support/memory-network.ts'
import { oddEntries } from '../../support/odd-entries.ts'
import { makeTree } from '../../support/source-tree.ts'
import { collect, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../support/vault.ts'

const gnuTar = spawnSync('tar', ['--version'], { encoding: 'utf8' }).stdout.includes('GNU')
const skip = !gnuTar && 'no GNU tar here'

/** What GNU tar says of things that are as they should be. */
const remarks = /implausibly old time stamp|unknown extended header keyword 'hdrcharset'/

async function unpack(tar: AsyncIterable<Uint8Array>, to: string): Promise<{ code: number | null; errors: string[] }> {
  mkdirSync(to)
  const args = ['--extract', '--preserve-permissions', '--xattrs', '--xattrs-include=*', '-C', to]
  const child = spawn('tar', args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  await pipeline(Readable.from(tar), child.stdin)
  const code = await ended
  return { code, errors: stderr.split('\n').filter((line) => line !== '' && !remarks.test(line)) }
}

t.test('the system unpacks a tree as it was', { skip: skip || lacks.exactTimes }, async (t) => {
  const dir = await temporaryDirectory(t)
  const [source, out] = [join(dir, 'source'), join(dir, 'out')]
  makeTree(source)
  await oddEntries(join(source, 'odd'))
  const long = join(source, 'long', 'é'.repeat(100), 'n'.repeat(200))
  mkdirSync(long, { recursive: true })
  writeFileSync(join(long, 'x'.repeat(250)), 'deep')
  linkSync(join(long, 'x'.repeat(250)), join(source, 'again'))
  t.teardown(() => {
    for (const tree of [source, join(out, 'source')])
      if (existsSync(join(tree, 'deep/er'))) chmodSync(join(tree, 'deep/er'), 0o755)
  })
  const network = new MemoryNetwork(new MemoryHosts(1))
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  await summaryOf(engine.backup({ paths: [source] }, never))

  t.same(await unpack(engine.archive({ snapshot: 'latest', path: '' }, never), out), { code: 0, errors: [] })
  t.same((await compareTrees(source, join(out, 'source'), systemDisk)).differences, [])
  t.equal(
    statSync(join(out, 'source/again')).ino,
    statSync(join(out, 'source/long', 'é'.repeat(100), 'n'.repeat(200), 'x'.repeat(250))).ino,
  )

  const part = join(dir, 'part')
  t.match(await unpack(engine.archive({ snapshot: 'latest', path: 'source/long' }, never), part), { code: 0 })
  t.same((await compareTrees(join(source, 'long'), join(part, 'long'), systemDisk)).differences, [])
  const pieces = await collect(engine.archive({ snapshot: 'latest', path: 'source/odd/sparse' }, never))
  t.ok(
    pieces.every(({ length }) => length < 2 ** 21),
    'holes come in bounded pieces',
  )
})

t.test('what cannot be read breaks the archive off', async (t) => {
  const dir = await temporaryDirectory(t)
  makeTree(join(dir, 'source'))
  t.teardown(() => {
    chmodSync(join(dir, 'source/deep/er'), 0o755)
  })
  const hosts = new MemoryHosts(1)
  const network = new MemoryNetwork(hosts)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  await summaryOf(engine.backup({ paths: [join(dir, 'source')] }, never))
  const read = (path: string): Promise<unknown> => collect(engine.archive({ snapshot: 'latest', path }, never))
  await t.rejects(read('none'), { code: 'STORAGE_PATH_NOT_FOUND' })
  for (const host of hosts.hosts) host.mood = 'missing'
  await t.rejects(read(''), { code: 'STORAGE_UNRESTORABLE' })
})

t.test('numbers beyond the fields of ustar', { skip }, async (t) => {
  const base: TarEntry = {
    ...{ path: Buffer.from('f'), type: 'file', mode: 0o4755, uid: 0, gid: 0, size: 0, mtimeNs: 0n },
    ...{ user: '', group: '' },
  }
  const listed = (entry: TarEntry): string => {
    const input = Buffer.concat([tarHeader(entry), tarEnd])
    const args = ['--list', '--verbose', '--full-time', '--utc']
    return spawnSync('tar', args, { input, encoding: 'utf8', env: { PATH: process.env['PATH'] } }).stdout.trim()
  }
  t.equal(listed(base), '-rwsr-xr-x 0/0               0 1970-01-01 00:00:00 f')
  t.match(listed({ ...base, size: 2 ** 40 }), '1099511627776')
  t.match(listed({ ...base, uid: 4_000_000_000, gid: 3_000_000_000 }), '4000000000/3000000000')
  t.match(listed({ ...base, user: 'u'.repeat(40), group: 'ü' }), `${'u'.repeat(40)}/`)
  // It shows the fraction of negative times as if they were positive.
  t.match(listed({ ...base, mtimeNs: -1_500_000_000n }), '1969-12-31 23:59:59.5')
  t.match(listed({ ...base, mtimeNs: 99_999_999_999n * 1_000_000_000n + 1n }), '5138-11-16 09:46:39.000000001')
  // A record's length counts its own digits, also where they grow by that.
  for (let length = 80; length < 120; length++) {
    const name = 'é' + 'n'.repeat(length)
    t.match(listed({ ...base, path: Buffer.from(name) }), `n`.repeat(length))
  }
})
