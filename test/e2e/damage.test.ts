/** Damaged hosted shards: detected on read, the host named, restore right while k survive; fewer is exit 15 with a list. */
import t from 'tap'
import { copyFileSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { hostedShards, TestCircle, type ShardLine } from '../support/circle.ts'

const circle = new TestCircle()
t.teardown(() => circle.close())

t.test('flipped, truncated, swapped and deleted shards', async (t) => {
  await circle.startHosts(6)
  const owner = await circle.startOwner()
  const source = circle.makeFolder('source')
  writeFileSync(join(source, 'big'), randomBytes(6 * 1024 * 1024))
  await circle.json(['backup', source], owner.home)
  const { shards } = (await circle.json(['shard', 'ls'], owner.home)) as unknown as { shards: ShardLine[] }
  const stripe = shards.filter(({ index, k }) => index < k)
  const fileOf = (shard: ShardLine) => {
    const holder = shard.holders[0]?.peer
    const host = circle.hosts.find((h) => h.ready.peerId === holder)
    return { host, path: hostedShards(host?.home ?? '').find((path) => path.endsWith(shard.id)) ?? '' }
  }

  const damage: [string, (path: string) => void][] = [
    ['flipped', flipByte],
    [
      'truncated',
      (path) => {
        truncateSync(path, 500_000)
      },
    ],
    [
      'swapped',
      (path) => {
        copyFileSync(
          hostedShards(circle.hosts.find((h) => path.startsWith(h.home))?.home ?? '').find((p) => p !== path) ?? '',
          path,
        )
      },
    ],
    [
      'deleted',
      (path) => {
        unlinkSync(path)
      },
    ],
  ]
  for (const [i, [what, change]] of damage.entries()) {
    const { host, path } = fileOf(stripe[i] as ShardLine)
    change(path)
    const target = circle.makeFolder(`restored-${what}`)
    const result = await circle.run(['restore', 'latest', '--to', target, '--json'], owner.home)
    t.equal(result.code, 0, `${what}: ${result.stderr}`)
    t.match(result.stdout + result.stderr, host?.ready.peerId ?? 'no host', `${what}: the host is named`)
    t.same((await compareRestored([source], target)).differences, [], `${what}: restored right`)
  }

  const verify = await circle.run(['verify', '--read-data', '--json'], owner.home)
  t.match(verify.stdout, stripe[0]?.id ?? '', 'verify names the damaged shards')
})

t.test('with fewer than k left, the error lists the snapshots and files hit', async (t) => {
  const home = circle.home('owner')
  const { shards } = (await circle.json(['shard', 'ls'], home)) as unknown as { shards: ShardLine[] }
  const lost = shards.find(({ index, k }) => index < k)
  const ids = new Set(shards.filter(({ stripe }) => stripe === lost?.stripe).map(({ id }) => id))
  for (const host of circle.hosts)
    for (const path of hostedShards(host.home)) if (ids.has(basename(path))) unlinkSync(path)
  const target = circle.makeFolder('hopeless')
  const result = await circle.run(['restore', 'latest', '--to', target, '--json'], home)
  t.equal(result.code, 15)
  t.match(result.stderr, 'STORAGE_UNRESTORABLE')
  t.match(result.stderr + result.stdout, 'big', 'the file is named')
})

function flipByte(path: string): void {
  const bytes = readFileSync(path)
  bytes[700_000] = (bytes[700_000] ?? 0) ^ 1
  writeFileSync(path, bytes)
}
