/** Several devices of one vault: the vault is the union of their heads, and none relies on what another may replace. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { BackupEngine, BackupOptions, EngineKeys } from '../../src/backup/index.ts'
import { DAY } from '../../src/base/clock.ts'
import { systemClock } from '../../src/daemon/system/index.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { noise } from '../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

/** Small riders, so that few bytes make stripes. */
const small: Partial<BackupOptions> = { maxInlineBytes: 2_000 }

class Bench {
  readonly world: MemoryHosts
  readonly dir: string
  readonly phrase: string
  readonly first: EngineKeys
  readonly #t: Test

  constructor(t: Test, use: { dir: string; hosts: number }) {
    const { phrase, keys } = newVault()
    this.world = new MemoryHosts(use.hosts)
    this.dir = use.dir
    this.phrase = phrase
    this.first = keys
    this.#t = t
  }

  /** One more device; each knows the authority of the one before. */
  device(known: EngineKeys): EngineKeys {
    return deviceOf(this.phrase, known)
  }

  async open(keys: EngineKeys, name: string, options = small): Promise<BackupEngine> {
    const network = new MemoryNetwork(this.world)
    const engine = await openEngine({ keys, home: join(this.dir, name), network, options })
    this.#t.teardown(() => engine.close())
    return engine
  }

  async backUp(engine: BackupEngine, name: string, bytes: number): Promise<void> {
    mkdirSync(join(this.dir, 'source'), { recursive: true })
    const path = join(this.dir, 'source', name)
    writeFileSync(path, noise(name, bytes))
    this.#t.match(await summaryOf(engine.backup({ paths: [path], name }, never)), { queued: 0, skipped: [] })
  }

  async sync(engine: BackupEngine): Promise<void> {
    await engine.sync(await new MemoryNetwork(this.world).findHeads(), never)
  }

  /** What was released is gone: the floor has run out. */
  forgetReleased(): void {
    for (const { shards, released } of this.world.hosts) for (const id of released) shards.delete(id)
  }

  /** Every snapshot restores to what was backed up under its name. */
  async restoresAll(engine: BackupEngine, names: readonly string[]): Promise<void> {
    const listed = engine.snapshots()
    this.#t.same([...new Set(listed.map(({ name }) => name))].sort(), [...names].sort(), 'all snapshots are listed')
    for (const { id, name } of listed) {
      const to = join(this.dir, 'out')
      rmSync(to, { recursive: true, force: true })
      this.#t.match(await summaryOf(engine.restore({ snapshot: id, to }, never)), { failed: [], files: 1 }, name)
      const same = readFileSync(join(to, name)).equals(readFileSync(join(this.dir, 'source', name)))
      this.#t.ok(same, `${name} is what it was`)
    }
  }
}

async function bench(t: Test, hosts: number): Promise<Bench> {
  return new Bench(t, { dir: await temporaryDirectory(t), hosts })
}

t.test('each lists the others, dedups against them, and names in its head only its own', async (t) => {
  const b = await bench(t, 6)
  const second = b.device(b.first)
  const [one, two] = [await b.open(b.first, 'one'), await b.open(second, 'two')]
  await b.backUp(one, 'large', 3_000_000)
  await b.sync(two)
  t.match(two.snapshots(), [{ name: 'large', device: b.first.device }])
  const again = await summaryOf(two.backup({ paths: [join(b.dir, 'source/large')], name: 'copy' }, never))
  t.ok(again.storedBytes < 1_000_000, `${String(again.storedBytes)} bytes: only what the other may replace came again`)
  cpSync(join(b.dir, 'source/large'), join(b.dir, 'source/copy'))
  await b.sync(one)
  const revision = one.status().headSeq
  await summaryOf(one.drain(never))
  t.equal(one.status().headSeq, revision, 'what others do makes no new head')
  t.equal(one.snapshots().length, 2)
  t.match(one.others(), [{ device: second.device, custody: false, snapshots: 1 }])

  // Heads and shards of the second alone: what it took from the first is in its own head.
  for (const host of b.world.hosts) host.heads.delete(b.first.device)
  const third = await b.open(b.device(second), 'three')
  t.match(await third.adopt(await new MemoryNetwork(b.world).findHeads(), never), { snapshots: 1, alarms: [] })
  t.match(await summaryOf(third.restore({ snapshot: 'latest', to: join(b.dir, 'alone') }, never)), { failed: [] })
  t.ok(readFileSync(join(b.dir, 'alone/large')).equals(readFileSync(join(b.dir, 'source/large'))))
})

for (const hosts of [1, 3, 8]) {
  t.test(`tails are replaced and released on ${String(hosts)} hosts while others dedup: all restores`, async (t) => {
    const b = await bench(t, hosts)
    const second = b.device(b.first)
    const [one, two] = [await b.open(b.first, 'one'), await b.open(second, 'two')]
    const names: string[] = []
    for (let round = 0; round < 6; round++) {
      for (const [engine, who] of [
        [one, 'a'],
        [two, 'b'],
      ] as const) {
        const name = `${who}${String(round)}`
        names.push(name)
        await b.backUp(engine, name, 60_000 + round * 30_000)
        // The other stores the same, relying on what it knows of the first one's head.
        await b.sync(engine === one ? two : one)
        const other = engine === one ? two : one
        const path = join(b.dir, 'source', name)
        t.match(await summaryOf(other.backup({ paths: [path], name }, never)), { queued: 0 })
      }
    }
    b.forgetReleased()
    await b.sync(one)
    await b.sync(two)
    await b.restoresAll(one, names)
    await b.restoresAll(two, names)
    for (const engine of [one, two])
      t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true })
    const third = await b.open(b.device(second), 'three')
    await third.adopt(await new MemoryNetwork(b.world).findHeads(), never)
    await b.restoresAll(third, names)
  })
}

t.test('what another device gives up while this one has not told yet that it needs it', async (t) => {
  for (const hosts of [1, 6]) {
    const b = await bench(t, hosts)
    const second = b.device(b.first)
    const [one, two] = [await b.open(b.first, 'one'), await b.open(second, 'two')]
    await b.backUp(one, 'large', 3_000_000)
    await b.backUp(one, 'other', 500_000)
    await b.sync(two)
    await b.backUp(two, 'own', 100_000)
    await b.sync(one)
    one.forget({ snapshots: one.snapshots({ name: 'large' }).map(({ id }) => id) })
    const early = await summaryOf(one.prune({}, never))
    t.match(early, { dropped: 0, waitingSnapshots: 1, waitingFor: [{ device: second.device }] }, 'it has to know first')
    await b.sync(two)
    await summaryOf(two.drain(never))
    const request = { paths: [join(b.dir, 'source/large')], name: 'large', localOnly: true }
    t.ok((await summaryOf(two.backup(request, never))).newBytes < 1_000_000, 'it relies on what the other stored')
    t.ok((await summaryOf(one.prune({}, never))).dropped > 0, 'nobody has told that it is needed')
    await summaryOf(two.drain(never))
    await b.sync(two)
    await summaryOf(two.drain(never))
    b.forgetReleased()
    await b.restoresAll(two, ['large', 'other', 'own'])
    await b.sync(one)
    await b.restoresAll(one, ['large', 'other', 'own'])
    await summaryOf(one.prune({}, never))
    await b.sync(two)
    await summaryOf(two.prune({}, never))
    b.forgetReleased()
    await b.restoresAll(two, ['large', 'other', 'own'])
    t.match(await summaryOf(two.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
  }
})

t.test('what was given up and another device names is not relied on before hosts are seen to have it', async (t) => {
  const b = await bench(t, 1)
  const [one, two] = [await b.open(b.first, 'one'), await b.open(b.device(b.first), 'two')]
  await b.backUp(one, 'large', 1_500_000)
  await b.backUp(one, 'other', 500_000)
  one.forget({ snapshots: one.snapshots({ name: 'large' }).map(({ id }) => id) })
  await summaryOf(one.drain(never))
  await b.sync(two)
  await b.backUp(two, 'own', 100_000)
  const request = { paths: [join(b.dir, 'source/large')], name: 'large' }
  await summaryOf(two.backup({ ...request, localOnly: true }, never))
  t.ok((await summaryOf(one.prune({}, never))).dropped > 0)
  // It tells what it needs before it has seen what became of it.
  await summaryOf(two.drain(never))
  await b.sync(one)
  const again = await summaryOf(one.backup(request, never))
  t.ok(again.newBytes > 900_000, `${String(again.newBytes)} bytes are stored again`)
  b.forgetReleased()
  const own = one.snapshots({ name: 'large', device: b.first.device })
  t.match(await summaryOf(one.restore({ snapshot: own[0]?.id ?? '', to: join(b.dir, 'out') }, never)), { failed: [] })
})

t.test('a device that is gone is in custody: its history outlives its head', async (t) => {
  const b = await bench(t, 4)
  const one = await b.open(b.first, 'one', { ...small, maxInlineSegmentBytes: 100 })
  for (const name of ['p', 'q', 'r']) await b.backUp(one, name, 900_000)
  await b.backUp(one, 'small', 500)
  const second = b.device(b.first)
  const two = await b.open(second, 'two', { ...small, maxInlineSegmentBytes: 100 })
  await two.adopt(await new MemoryNetwork(b.world).findHeads(), never)
  await b.backUp(two, 'mine', 400_000)
  const gone = new Map(b.world.hosts.map((host) => [host, host.heads.get(b.first.device)]))
  for (const host of b.world.hosts) host.heads.delete(b.first.device)
  const names = ['p', 'q', 'r', 'small', 'mine']
  const third = await b.open(b.device(second), 'three')
  await third.adopt(await new MemoryNetwork(b.world).findHeads(), never)
  await b.restoresAll(third, names)

  // It was not gone: with its next head it names its own again.
  for (const [host, head] of gone) if (head !== undefined) host.heads.set(b.first.device, head)
  await b.backUp(one, 'later', 400_000)
  await b.sync(two)
  t.match(two.others(), [{ device: b.first.device, custody: false }])
  await b.restoresAll(two, [...names, 'later'])
})

t.test('a disk put back in time that went on offline: the fork is seen, both histories stay', async (t) => {
  const b = await bench(t, 3)
  const home = join(b.dir, 'one')
  let one = await b.open(b.first, 'one', {})
  await b.backUp(one, 'a', 20_000)
  await one.close()
  cpSync(home, join(b.dir, 'image'), { recursive: true })
  one = await b.open(b.first, 'one', {})
  for (const name of ['b', 'c']) await b.backUp(one, name, 20_000)
  t.equal(one.status().headSeq, 3)
  await one.close()

  rmSync(home, { recursive: true })
  cpSync(join(b.dir, 'image'), home, { recursive: true })
  one = await b.open(b.first, 'one', {})
  for (const host of b.world.hosts) host.mood = 'offline'
  for (const name of ['x', 'y', 'z', 'w']) {
    writeFileSync(join(b.dir, 'source', name), noise(name, 20_000))
    await summaryOf(one.backup({ paths: [join(b.dir, 'source', name)], name }, never))
  }
  t.ok(one.status().headSeq >= 1)
  for (const host of b.world.hosts) host.mood = 'well'
  await summaryOf(one.drain(never))
  t.match(one.status(), { alarms: [{ code: /STORAGE_HEAD_FORKED|SECURITY_ROLLBACK/ }], forked: false, queued: 0 })
  await b.restoresAll(one, ['a', 'b', 'c', 'x', 'y', 'z', 'w'])
  const third = await b.open(b.device(b.first), 'three', {})
  t.match(await third.adopt(await new MemoryNetwork(b.world).findHeads(), never), { snapshots: 7, alarms: [] })
})

t.test(
  'heads signed offline past what hosts know are no newer history: hashes are compared for each seq',
  async (t) => {
    const b = await bench(t, 3)
    const home = join(b.dir, 'one')
    let one = await b.open(b.first, 'one', {})
    await b.backUp(one, 'a', 20_000)
    await one.close()
    const image = (): void => {
      rmSync(home, { recursive: true })
      cpSync(join(b.dir, 'image'), home, { recursive: true })
    }
    cpSync(home, join(b.dir, 'image'), { recursive: true })
    one = await b.open(b.first, 'one', {})
    await b.backUp(one, 'b', 20_000)
    await one.close()
    for (const fork of ['first', 'second']) {
      const hostHeads = b.world.hosts.map((host) => new Map(host.heads))
      if (fork === 'first') image()
      // Publishing goes nowhere, but the engine does sign: other hosts take the heads, out of sight of the real ones.
      const elsewhere = new MemoryHosts(3)
      const away = await openEngine({ keys: b.first, home, network: new MemoryNetwork(elsewhere), options: {} })
      for (let i = 0; i < 4; i++) {
        const path = join(b.dir, 'source', `${fork}${String(i)}`)
        writeFileSync(path, noise(path, 20_000))
        await summaryOf(away.backup({ paths: [path], name: `${fork}${String(i)}` }, never))
      }
      await away.close()
      b.world.hosts.forEach((host, i) => {
        host.heads.clear()
        for (const [device, head] of hostHeads[i] ?? []) host.heads.set(device, head)
      })
      if (fork === 'second') image()
      const back = await b.open(b.first, 'one', {})
      await b.sync(back)
      t.match(back.status().alarms, [{ code: /FORKED|ROLLBACK/ }], `${fork} fork is seen`)
      if (fork === 'second') {
        await t.rejects(summaryOf(back.backup({ paths: [b.dir] }, never)), { code: 'STORAGE_HEAD_FORKED' })
        t.equal(back.status().forked, true)
        back.clearFork()
        await b.backUp(back, 'after', 20_000)
      }
      await back.close()
      if (fork === 'first') {
        rmSync(join(b.dir, 'image'), { recursive: true })
        cpSync(home, join(b.dir, 'image'), { recursive: true })
        const other = await b.open(b.first, 'one', {})
        await b.backUp(other, 'newer', 20_000)
        await other.close()
      }
    }
    t.ok(systemClock.now() > DAY)
  },
)
