/** Commands that need no daemon: they work in an empty home and beside a daemon alike. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { errorTable } from '../../../src/base/error-table.ts'
import { toHex } from '../../../src/base/bytes.ts'
import { leafHash, merkleRoot } from '../../../src/crypto/merkle.ts'
import { cli, until } from '../run-cli.ts'

let home = ''
t.before(() => {
  home = mkdtempSync(join(tmpdir(), 'plexi-offline-'))
})
const json = (...args: string[]) => cli([...args, '--home', home, '--json'])
const at = (...args: string[]) => cli([...args, '--home', home])

t.test('version and --version', async (t) => {
  t.match((await json('version')).json, { version: /^\d+\.\d+\.\d+/, node: process.version })
  t.equal((await cli(['--version'])).stdout, (await cli(['version'])).stdout)
})

t.test('explain: every code', async (t) => {
  for (const [code, entry] of Object.entries(errorTable))
    t.match((await json('explain', code.toLowerCase())).json, { code, exit: entry.exit, why: entry.why })
  t.equal(((await json('explain')).json['codes'] as unknown[]).length, Object.keys(errorTable).length)
  const unknown = await json('explain', 'STORAGE_NOT_FUND')
  t.equal(unknown.code, 18)
  t.match(unknown.error['message'], /did you mean STORAGE_NOT_FOUND\?/)
})

t.test('config path and validate', async (t) => {
  const path = join(home, 'config.toml')
  t.strictSame((await json('config', 'path')).json, { path, exists: false })
  t.match((await json('config', 'validate')).json, { ok: true, exists: false })
  writeFileSync(path, '[api]\nport = 7500\n')
  t.match((await json('config', 'validate')).json, { ok: true, exists: true })
  writeFileSync(path, '[api]\nprot = 7500\n')
  const wrong = await json('config', 'validate')
  t.equal(wrong.code, 2)
  t.match(wrong.error, { code: 'CONFIG_UNKNOWN_KEY', message: /api\.prot.*api\.port/ })
  t.equal((await json('config', 'validate', join(home, 'none.toml'))).code, 18)
  rmSync(path)
})

t.test('shard verify FILE', async (t) => {
  const bytes = Buffer.alloc(1_048_576, 7)
  const leaves = Array.from({ length: 64 }, (_, i) => leafHash(bytes.subarray(i * 16_384, (i + 1) * 16_384)))
  const root = toHex(merkleRoot(leaves))
  const named = join(home, root)
  writeFileSync(named, bytes)
  t.strictSame((await json('shard', 'verify', named)).json, { ok: true, id: root, root, leaves: 64 })
  writeFileSync(join(home, 'any name'), bytes)
  t.match((await json('shard', 'verify', join(home, 'any name'))).json, { ok: true, id: root })
  bytes[500_000] = 8
  writeFileSync(named, bytes)
  const flipped = await json('shard', 'verify', named)
  t.equal(flipped.code, 15)
  t.match(flipped.json, { ok: false, id: root })
  t.match(flipped.error, { code: 'STORAGE_SHARD_CORRUPT', details: { shardId: root } })
  writeFileSync(named, bytes.subarray(1))
  t.match((await json('shard', 'verify', named)).error, { code: 'STORAGE_SHARD_SIZE', exitCode: 15 })
  t.match((await json('shard', 'verify', './nothing/here')).error, { code: 'STORAGE_NOT_FOUND', exitCode: 18 })
  t.equal((await json('shard', 'verify', home)).code, 2)
})

t.test('logs: the end, and what comes', async (t) => {
  t.equal((await json('logs')).code, 10, 'no vault, no log')
  mkdirSync(join(home, 'logs'), { recursive: true })
  const file = join(home, 'logs', 'plexichat.log')
  const line = (msg: string) => `${JSON.stringify({ level: 40, time: 1_700_000_000_000, msg, peer: 'Bob\u001b[0m' })}\n`
  writeFileSync(file, line('one') + line('two') + 'not json\n')
  t.match((await at('logs')).stdout, /2023-11-14 22:13:20 warn {2}one peer=Bob\\u001b\[0m\n.*two[\s\S]*not json/)
  t.equal((await at('logs', '-n', '1')).stdout, 'not json\n')
  t.match((await json('logs', '-n', '2')).stdout, /^\{"level":40/)
  const followed = await cli(['logs', '-f', '-n', '0', '--home', home], {
    control: (interrupt, output) => {
      setTimeout(() => {
        appendFileSync(file, line('three'))
      }, 100)
      void until(() => output().includes('three')).then(interrupt)
    },
  })
  t.equal(followed.code, 130)
  t.match(followed.stdout, /three/)
  t.notMatch(followed.stdout, /two/)
})

t.test('doctor names what is wrong and the command that ends it', async (t) => {
  const sick = await json('doctor')
  t.equal(sick.code, 1)
  t.match(sick.json, { ok: false, checks: [{ name: 'vault', ok: false, remedy: 'plexichat init' }] })
})

t.test('completion: the scripts are valid and know the commands', async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, code } = await cli(['completion', shell])
    t.equal(code, 0)
    for (const word of ['backup', 'shard', 'locate', '--exclude'.slice(2)]) t.match(stdout, word, shell)
  }
  const { stdout } = await cli(['completion', 'bash'])
  const complete = (...words: string[]) => {
    const script = `${stdout}\nCOMP_WORDS=(${words.join(' ')} "")\nCOMP_CWORD=${String(words.length)}\n_plexichat\necho "\${COMPREPLY[*]}"`
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout
  }
  t.match(complete('plexichat'), /init up down/)
  t.match(complete('plexichat', 'shard'), /ls show verify proof locate fetch/)
  t.match(complete('plexichat', '--json', 'shard', 'proof'), /--leaf/)
})

t.test('init: the words once, as a grid or as one string', async (t) => {
  const first = join(home, 'first')
  const made = (await cli(['init', '--home', first, '--name', 'one', '--offer', '0', '--json'])).json
  t.match(made, { vault: /^[0-9a-f]{64}$/, peerId: /^12D3Koo/, phrase: /^([a-z]+ ){23}[a-z]+$/ })
  t.equal(statSync(first).mode & 0o777, 0o700)
  const again = await cli(['init', '--home', first, '--json'])
  t.match(again.error, { code: 'SYSTEM_ALREADY_INITIALISED' })

  const words = join(home, 'words')
  writeFileSync(words, String(made['phrase']), { mode: 0o600 })
  const second = await cli(['init', '--home', join(home, 'second'), '--phrase-file', words])
  t.equal(second.code, 0)
  t.notMatch(second.stdout, String(made['phrase']).split(' ').slice(0, 3).join(' '))
  t.match(second.stdout, String(made['vault']).slice(0, 12))
  t.match(
    (await cli(['init', '--home', join(home, 'third'), '--phrase-file', '-', '--json'], { stdin: ['no words'] })).error,
    {
      code: 'AUTH_PHRASE_INVALID',
      exitCode: 12,
    },
  )
  const fourth = await cli(['init', '--home', join(home, 'fourth')])
  t.match(fourth.stdout, /\n +1 [a-z]+ +2 [a-z]+ +3 [a-z]+ +4 [a-z]+\n +5 /)
})

t.test('cleans up', async () => {
  rmSync(home, { recursive: true })
})
