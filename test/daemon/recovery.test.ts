import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { toHex } from '../../src/base/bytes.ts'
import { recoverHome } from '../../src/daemon/identity/recover.ts'
import { readKeystore } from '../../src/daemon/identity/keystore-file.ts'
import { systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { endOf, eventually, Homes } from './homes.ts'

t.test(
  'a backup waits for hosts across a restart, is placed when one comes, and comes back from words',
  { timeout: 60_000 },
  async (t) => {
    const homes = new Homes(t)
    const anna = await homes.init('anna')
    await homes.init('bob')
    const source = join(homes.root, 'photos')
    mkdirSync(source)
    const content = randomBytes(1_500_000)
    writeFileSync(join(source, 'cat.jpg'), content)

    await homes.start('anna')
    const job = await homes.client('anna').call('backup', { body: { paths: [source] } })
    await eventually(async () =>
      (await homes.client('anna').call('job', { params: { id: job.id } })).state === 'waiting' ? true : undefined,
    )
    t.match(await homes.client('anna').call('status', {}), { protected: 'local', safe: 0 })
    await homes.stop('anna')

    const bob = await homes.start('bob')
    await homes.start('anna', bob.info.addresses)
    t.match(await endOf(homes.client('anna'), job), { type: 'summary', queued: 0, k: 1, n: 1 })
    const status = await homes.client('anna').call('status', {})
    t.match(status, { protected: 'one-copy', restorable: 1, hosts: { eligible: 1, online: 1 }, queued: 0 })
    t.match(status.sentence, /One copy of 1 snapshot/)
    t.ok(status.used >= 2 * 2 ** 20)

    await secretsStayHome(t, homes, ['anna', 'bob'], [anna.phrase])

    await homes.stop('anna')
    const notes: string[] = []
    const recovered = await recoverHome(
      {
        paths: homes.paths('again'),
        ...{ env: {}, phrase: anna.phrase, name: 'again', bootstrap: bob.info.addresses, revokeOthers: true },
      },
      { note: (_, text) => notes.push(text) },
      AbortSignal.timeout(30_000),
    )
    t.match(recovered, { vault: anna.vault, headSeq: 1, sources: 1, snapshots: 1, published: true })
    t.match(notes, [/only 1 place had a head/])
    await t.rejects(homes.init('again'), { code: 'SYSTEM_ALREADY_INITIALISED' })

    // No bootstrap: the head says where its hosts are.
    await homes.start('again', [])
    const target = join(homes.root, 'restored')
    const restore = await homes
      .client('again')
      .call('snapshotRestore', { params: { ref: 'latest' }, body: { to: target } })
    const restored = await endOf(homes.client('again'), restore)
    t.match(restored, { type: 'summary', files: 1, failed: [] }, JSON.stringify(restored))
    t.same(readFileSync(join(target, 'photos', 'cat.jpg')), content)
    const devices = []
    for await (const device of homes.client('again').list('devices', {})) devices.push(device)
    t.match(devices, [
      { name: 'anna', revoked: true, current: false },
      { name: 'again', revoked: false, current: true },
    ])

    await homes.start('anna', bob.info.addresses)
    writeFileSync(join(source, 'dog.jpg'), randomBytes(200_000))
    await eventually(async () =>
      (await homes.client('anna').call('status', {})).alarms.some(({ code }) => code === 'AUTH_REVOKED')
        ? true
        : undefined,
    )
    const refused = await homes.client('anna').call('backup', { body: { paths: [source] } })
    t.match(await endOf(homes.client('anna'), refused), { type: 'error', code: 'AUTH_REVOKED', exitCode: 17 })
  },
)

t.test('words without a trace: no member, or none that knows the vault', { timeout: 60_000 }, async (t) => {
  const homes = new Homes(t)
  const { phrase } = await homes.init('anna')
  await homes.init('bob')
  const bob = await homes.start('bob')
  const paths = homes.paths('again')
  const recover = (bootstrap: readonly string[]) =>
    recoverHome(
      { paths, env: {}, phrase, name: 'again', bootstrap, revokeOthers: false, searchMs: 2_000 },
      { note: () => undefined },
      AbortSignal.timeout(30_000),
    )
  await t.rejects(recover(bob.info.addresses), { code: 'STORAGE_NO_HEAD', exitCode: 18 })
  // What the first attempt learned of members would help the second.
  rmSync(paths.root, { recursive: true })
  await t.rejects(recover(['/ip4/127.0.0.1/tcp/9/p2p/12D3KooWJ1SkNKrSnkHyfjJXpKEGySTfF284zqnwmD5jDvi5Tg6X']), {
    code: 'NETWORK_NO_BOOTSTRAP',
    exitCode: 16,
  })
  t.notOk(existsSync(paths.keystore))
})

/** Every file private; keys, words and tokens nowhere but where they belong. */
async function secretsStayHome(t: Tap, homes: Homes, names: string[], phrases: string[]): Promise<void> {
  const secrets: Buffer[] = phrases.flatMap((phrase) => {
    const words = phrase.split(' ')
    return [0, 8, 16].map((at) => Buffer.from(words.slice(at, at + 3).join(' ')))
  })
  for (const name of names) {
    const paths = homes.paths(name)
    const keys = await readKeystore(paths, undefined, { disk: systemDisk, random: systemRandom })
    const { shared, epochs } = keys
    const raw = [keys.peerSeed, keys.dhSecret, shared.idMac, shared.chunker, shared.rendezvous, shared.authority]
    const key = readFileSync(paths.keyFile)
    for (const secret of [...raw, ...epochs.map((epoch) => epoch.key), key]) {
      secrets.push(
        Buffer.from(secret),
        Buffer.from(toHex(secret)),
        Buffer.from(Buffer.from(secret).toString('base64url')),
      )
    }
    secrets.push(Buffer.from(readFileSync(paths.token, 'utf8').trim()))
  }
  let files = 0
  for (const name of names) {
    const paths = homes.paths(name)
    const home = new Set([paths.token, paths.keyFile, paths.lock])
    for (const entry of readdirSync(paths.root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const { mode } = statSync(path)
      if ((mode & 0o077) !== 0) t.fail(`${path} has mode ${(mode & 0o777).toString(8)}`)
      if (!entry.isFile() || home.has(path)) continue
      files++
      const content = readFileSync(path)
      if (secrets.some((secret) => content.includes(secret))) t.fail(`a secret in ${path}`)
    }
  }
  t.ok(files > 20, `${String(files)} files looked at`)
}

type Tap = Pick<typeof t, 'fail' | 'ok'>
