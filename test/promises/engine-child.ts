/**
 * An engine on real disk, databases and threads that backs up, forgets and prunes, and tells what is done: a line of JSON
 * each. Its parent has it killed at some system call. `engine-child.ts SCENE`: a file with a serialised `Scene`.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import { DirectoryNetwork, type EngineKeys } from '../../src/backup/index.ts'
import { signingKey } from '../../src/crypto/signature.ts'
import { systemClock, systemDisk, systemThreads } from '../../src/daemon/system/index.ts'
import { describeTree, noise } from '../support/source-tree.ts'
import { never, openEngine, summaryOf } from '../support/vault.ts'

export interface Scene {
  readonly keys: Omit<EngineKeys, 'sign'>
  readonly seed: Uint8Array
  readonly home: string
  readonly store: string
  readonly source: string
}

/** `tree` is what the snapshot must restore to. */
export type Told = { readonly backedUp: string; readonly tree: readonly string[] } | { readonly forgetting: string }

const tell = (told: Told): void => {
  writeSync(1, `${JSON.stringify(told)}\n`)
}

const [path = ''] = process.argv.slice(2)
const { keys, seed, home, store, source } = deserialize(readFileSync(path)) as Scene
const network = new DirectoryNetwork({ directory: store }, { disk: systemDisk, clock: systemClock })
const setup = { keys: { ...keys, sign: signingKey(seed) }, home, network, threads: systemThreads }
const engine = await openEngine({ ...setup, options: { shardsPerCommit: 1 } })
const snapshots: string[] = []
for (const name of ['first', 'second', 'third']) {
  writeFileSync(join(source, name === 'third' ? 'first' : name), noise(name, 1_400_000))
  const tree = describeTree(source)
  const { snapshot } = await summaryOf(engine.backup({ paths: [source], name }, never))
  snapshots.push(String(snapshot))
  tell({ backedUp: String(snapshot), tree })
}
tell({ forgetting: String(snapshots[0]) })
engine.forget({ snapshots: snapshots.slice(0, 1) })
await summaryOf(engine.prune({}, never))
await engine.close()
