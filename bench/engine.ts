/**
 * One engine run in a process of its own: `engine.ts SCRATCH backup SOURCE | restore TARGET | verify`. The engine, its
 * home and the directory that takes the shards lie below SCRATCH; the keys are made by the first run.
 */
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
import { systemClock, systemDisk, systemRandom } from '../src/daemon/system/index.ts'

const [scratch = '', operation = '', path = ''] = process.argv.slice(2)
const never = new AbortController().signal
const home = join(scratch, 'home')
mkdirSync(home, { recursive: true })

const engine = new BackupEngine(defaultBackupOptions, {
  disk: systemDisk,
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  metrics: noMetrics,
  network: new DirectoryNetwork({ directory: join(scratch, 'shards') }, { disk: systemDisk, clock: systemClock }),
  keys: loadKeys(join(scratch, 'keys')),
  home: {
    catalog: join(home, 'catalog.db'),
    index: join(home, 'index'),
    outbox: join(home, 'outbox'),
    cache: join(home, 'cache'),
  },
})
await engine.open()
try {
  console.log(JSON.stringify(await lastOf(run())))
} finally {
  await engine.close()
}

function run(): AsyncIterable<{ readonly type: string }> {
  switch (operation) {
    case 'backup':
      return engine.backup({ paths: [path] }, never)
    case 'restore':
      return engine.restore({ snapshot: 'latest', to: path }, never)
    case 'verify':
      return engine.verify({ readDataPercent: 100 }, never)
    default:
      throw new Error(`unknown operation ${operation}`)
  }
}

async function lastOf(events: AsyncIterable<{ readonly type: string }>): Promise<unknown> {
  let last: unknown
  for await (const event of events) last = event
  return last
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
  return { vault: secrets.vault, device, serial, seed, shared: secrets.shared, epochs, authority: bytes, terms }
}
