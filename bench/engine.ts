/**
 * The engine in a process of its own, opened as the daemon opens it: `engine.ts SCRATCH`, then orders from the parent;
 * or `engine.ts SCRATCH ORDER [PATH]` for a single one. The engine, its home and the directory that takes the shards lie
 * below SCRATCH; the keys are made by the first run.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { silentLogger } from '../src/base/log.ts'
import { noMetrics } from '../src/base/metrics.ts'
import { BackupEngine, defaultBackupOptions, DirectoryNetwork, type EngineKeys } from '../src/backup/index.ts'
import { createAuthority, epochKeysForVault, openAuthority } from '../src/crypto/authority.ts'
import { issueCertificate, newSerial } from '../src/crypto/certificate.ts'
import { exchangePublicKey } from '../src/crypto/hybrid.ts'
import { peerKeyOf } from '../src/crypto/ids.ts'
import { newPhrase } from '../src/crypto/phrase.ts'
import { signingKey } from '../src/crypto/signature.ts'
import { signTerms } from '../src/crypto/terms.ts'
import { deriveVault } from '../src/crypto/vault-keys.ts'
import { systemClock, systemDisk, systemRandom, systemThreads } from '../src/daemon/system/index.ts'

export interface EngineOrder {
  /** `stream`: what the program at `path` prints, started as a process of its own with `args`. */
  readonly kind: 'backup' | 'stream' | 'restore' | 'verify'
  readonly path: string
  readonly args?: readonly string[]
}

export type EngineAnswer = { readonly type: 'ready' | 'done' } | { readonly type: 'failed'; readonly message: string }

const [scratch = '', single, path = ''] = process.argv.slice(2)
const never = new AbortController().signal

if (import.meta.main) {
  const engine = await openEngine()
  if (single === undefined) serve(engine)
  else {
    await carryOut(engine, { kind: single as EngineOrder['kind'], path })
    await engine.close()
  }
}

async function openEngine(): Promise<BackupEngine> {
  const home = join(scratch, 'home')
  mkdirSync(home, { recursive: true })
  const engine = new BackupEngine(defaultBackupOptions, {
    disk: systemDisk,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    metrics: noMetrics,
    network: new DirectoryNetwork({ directory: join(scratch, 'shards') }, { disk: systemDisk, clock: systemClock }),
    threads: systemThreads,
    keys: loadKeys(join(scratch, 'keys')),
    home: {
      catalog: join(home, 'catalog.db'),
      index: join(home, 'index'),
      outbox: join(home, 'outbox'),
      cache: join(home, 'cache'),
    },
  })
  await engine.open()
  return engine
}

/** Orders come one after the other; the parent going away ends this process. */
function serve(engine: BackupEngine): void {
  const answer = (message: EngineAnswer) => process.send?.(message)
  process.on('message', (order: EngineOrder) => {
    carryOut(engine, order).then(
      () => answer({ type: 'done' }),
      (error: unknown) => answer({ type: 'failed', message: error instanceof Error ? error.message : String(error) }),
    )
  })
  process.once('disconnect', () => void engine.close())
  answer({ type: 'ready' })
}

async function carryOut(engine: BackupEngine, order: EngineOrder): Promise<void> {
  let last: Record<string, unknown> = {}
  for await (const event of eventsOf(engine, order)) last = { ...event }
  const { failed = [], skipped = [], ok = true } = last as { failed?: unknown[]; skipped?: unknown[]; ok?: boolean }
  if (!ok || failed.length + skipped.length > 0) throw new Error(JSON.stringify(last).slice(0, 2000))
}

function eventsOf(engine: BackupEngine, { kind, path: where, args = [] }: EngineOrder): AsyncIterable<object> {
  switch (kind) {
    case 'backup':
      return engine.backup({ paths: [where] }, never)
    case 'stream':
      return engine.backup({ stream: { name: 'stream', data: printed(where, args) } }, never)
    case 'restore':
      return engine.restore({ snapshot: 'latest', to: where }, never)
    case 'verify':
      return engine.verify({ readDataPercent: 100 }, never)
  }
}

/** Made elsewhere, so that neither its time nor its memory counts as the engine's. */
function printed(program: string, args: readonly string[]): AsyncIterable<Uint8Array> {
  return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout
}

/** A vault with one device; everything but the signing key itself is kept as it is. */
function loadKeys(file: string): EngineKeys {
  if (!existsSync(file)) writeFileSync(file, serialize(makeKeys()), { mode: 0o600 })
  const { seed, ...keys } = deserialize(readFileSync(file)) as Omit<EngineKeys, 'sign'> & { seed: Uint8Array }
  return { ...keys, sign: signingKey(seed) }
}

function makeKeys(): Omit<EngineKeys, 'sign'> & { seed: Uint8Array } {
  const secrets = deriveVault(newPhrase(systemRandom))
  const seed = systemRandom.bytes(32)
  const device = peerKeyOf(signingKey(seed).publicKey)
  const serial = newSerial(systemRandom)
  const certificate = issueCertificate(secrets.sign, {
    peer: device,
    dh: exchangePublicKey(systemRandom.bytes(32)),
    grants: ['store', 'fetch', 'release', 'head'],
    serial,
    notAfter: systemClock.now() + 1e10,
  })
  const { bytes } = createAuthority(
    secrets,
    { name: 'bench', certificate },
    { random: systemRandom, clock: systemClock },
  )
  const epochs = epochKeysForVault(
    secrets,
    openAuthority(bytes, { key: secrets.shared.authority, vault: secrets.vault }),
  )
  const terms = signTerms(secrets.sign, { version: 1, floorDays: 7, revokedSerials: [] })
  const grants = ['store', 'fetch', 'release', 'head'] as const
  return { vault: secrets.vault, device, serial, grants, seed, shared: secrets.shared, epochs, authority: bytes, terms }
}
