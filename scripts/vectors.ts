/**
 * `npm run vectors [-- --check]`: writes test/vectors/NN-*.json with the independent reader bin/plexichat-open and the
 * code beside this file, never with src/. Everything is deterministic; `--check` fails when a file would change.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './command.ts'
import { dhtVectors } from './vectors/dht.ts'
import { keysVectors } from './vectors/keys.ts'
import { protocolVectors } from './vectors/protocol.ts'
import { seedVectors } from './vectors/seed.ts'
import { shardVectors } from './vectors/shard.ts'
import { snapshotVectors } from './vectors/snapshot.ts'
import { stripeVectors } from './vectors/stripe.ts'

import type { Vector } from './vectors/vector.ts'

const makers: Readonly<Record<string, () => readonly Vector[]>> = {
  '01-keys': keysVectors,
  '02-shard': shardVectors,
  '03-stripe': stripeVectors,
  '04-snapshot-and-head': snapshotVectors,
  '05-storage-protocol': protocolVectors,
  '06-dht-records': dhtVectors,
  '07-seed': seedVectors,
}

const check = process.argv.includes('--check')
mkdirSync(join(root, 'test/vectors'), { recursive: true })
for (const [name, make] of Object.entries(makers)) {
  const path = join(root, `test/vectors/${name}.json`)
  const vectors = make()
  const text = `[\n${vectors.map((vector) => JSON.stringify(vector)).join(',\n')}\n]\n`
  const same = existsSync(path) && readFileSync(path, 'utf8') === text
  console.log(`${name}: ${vectors.length} vectors${same ? '' : check ? ', STALE' : ', written'}`)
  if (!same && check) process.exitCode = 1
  if (!same && !check) writeFileSync(path, text)
}
