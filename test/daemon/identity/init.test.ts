import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { homePaths } from '../../../src/config/home.ts'
import { epochKeysForDevice, openAuthority } from '../../../src/crypto/authority.ts'
import { openCertificate } from '../../../src/crypto/certificate.ts'
import { peerKeyOf, vaultText } from '../../../src/crypto/ids.ts'
import { newPhrase } from '../../../src/crypto/phrase.ts'
import { signingKey } from '../../../src/crypto/signature.ts'
import { deriveVault } from '../../../src/crypto/vault-keys.ts'
import { initHome } from '../../../src/daemon/identity/init.ts'
import { lockKind, passphraseFrom, readKeystore } from '../../../src/daemon/identity/keystore-file.ts'
import { parseSettings } from '../../../src/daemon/settings.ts'
import { systemClock, systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'

const deps = { disk: systemDisk, clock: systemClock, random: systemRandom }

function files(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

t.test('a new vault: everything a device needs, nothing readable by others, the words nowhere', async (t) => {
  const paths = homePaths(join(t.testdir(), 'home'), {})
  const made = await initHome({ paths, name: "Anna's laptop", offerBytes: 3 * 2 ** 30 }, deps)
  t.equal(made.phrase.split(' ').length, 24)

  const keys = await readKeystore(paths, undefined, deps)
  const secrets = deriveVault(made.phrase)
  t.equal(vaultText(keys.vault), made.vault)
  t.same(keys.vault, secrets.vault)
  t.equal(peerKeyOf(signingKey(keys.peerSeed).publicKey), made.peerId)
  t.equal(keys.name, "Anna's laptop")
  const certificate = openCertificate(keys.certificate)
  t.match(certificate, { peer: made.peerId, grants: ['store', 'fetch', 'release', 'head', 'chat'] })
  const authority = openAuthority(keys.authority, { key: secrets.shared.authority, vault: keys.vault })
  t.same(epochKeysForDevice(keys.dhSecret, certificate.serial, authority), keys.epochs)

  t.match(
    parseSettings(readFileSync(paths.config, 'utf8'), { configPath: '', env: {} }).values.hosting.offer,
    3 * 2 ** 30,
  )
  const words = made.phrase.split(' ')
  for (const file of files(paths.root)) {
    t.equal(statSync(file).mode & 0o777, 0o600, file)
    // Reading the lock file in this process would drop its lock; it is empty.
    if (file === paths.lock) continue
    const content = readFileSync(file)
    for (const secret of [keys.peerSeed, keys.dhSecret, keys.shared.idMac, keys.shared.rendezvous, secrets.wrap]) {
      t.equal(content.indexOf(secret), -1, `no key in ${file}`)
      t.equal(content.indexOf(Buffer.from(secret).toString('hex')), -1, `no key in ${file}`)
    }
    t.notOk(content.includes(words.slice(0, 3).join(' ')), `no words in ${file}`)
  }
})

t.test('a passphrase seals the keystore; without it nothing opens', async (t) => {
  const dir = t.testdir({ pass: 'correct horse\n' })
  const paths = homePaths(join(dir, 'home'), {})
  const passphrase = await passphraseFrom({ PLEXICHAT_PASSPHRASE_FILE: join(dir, 'pass') })
  await initHome({ paths, name: 'x', passphrase: passphrase! }, deps)
  t.equal(await lockKind(paths, deps), 'passphrase')
  t.notOk(files(paths.root).includes(paths.keyFile))
  await t.rejects(readKeystore(paths, undefined, deps), { code: 'AUTH_PASSPHRASE_REQUIRED', exitCode: 12 })
  await t.rejects(readKeystore(paths, Buffer.from('wrong'), deps), { code: 'AUTH_PASSPHRASE_WRONG', exitCode: 12 })
  t.equal((await readKeystore(paths, Buffer.from('correct horse'), deps)).name, 'x')
})

t.test('refusals leave everything as it was', async (t) => {
  const paths = homePaths(join(t.testdir(), 'home'), {})
  await t.rejects(initHome({ paths, name: 'x', phrase: 'one two three' }, deps), { code: 'AUTH_PHRASE_INVALID' })
  t.notOk(await systemDisk.stat(paths.root))
  await t.rejects(initHome({ paths, name: 'ä'.repeat(40) }, deps), { code: 'VALIDATION_LIMIT' })
  t.notOk(await systemDisk.stat(paths.keystore))
  const made = await initHome({ paths, name: 'x' }, deps)
  const before = readFileSync(paths.keystore)
  await t.rejects(initHome({ paths, name: 'y' }, deps), { code: 'SYSTEM_ALREADY_INITIALISED' })
  t.same(readFileSync(paths.keystore), before)
  t.equal(peerKeyOf(signingKey((await readKeystore(paths, undefined, deps)).peerSeed).publicKey), made.peerId)
})

t.test('the same words make the same vault; a config of the user is kept', async (t) => {
  const dir = t.testdir({ home: { 'config.toml': '# mine\n[api]\nport = 0\n' } })
  const phrase = newPhrase(systemRandom)
  const paths = homePaths(join(dir, 'home'), {})
  const one = await initHome({ paths, name: '', phrase, offerBytes: 0 }, deps)
  const two = await initHome({ paths: homePaths(join(dir, 'other'), {}), name: 'b', phrase }, deps)
  t.equal(one.vault, two.vault)
  t.not(one.peerId, two.peerId)
  const text = readFileSync(paths.config, 'utf8')
  t.match(text, /# mine/)
  const { values } = parseSettings(text, { configPath: '', env: {} })
  t.equal(values.api.port, 0)
  t.equal(values.hosting.offer, 0)
  t.equal((await readKeystore(paths, undefined, deps)).name, 'device')
})

t.test('a bad config of the user is named before anything is made', async (t) => {
  const dir = t.testdir({ home: { 'config.toml': '[api]\nprot = 0\n' } })
  const paths = homePaths(join(dir, 'home'), {})
  await t.rejects(initHome({ paths, name: 'x' }, deps), { code: 'CONFIG_UNKNOWN_KEY' })
  writeFileSync(paths.config, '')
  await initHome({ paths, name: 'x' }, deps)
})
