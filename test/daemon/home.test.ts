import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { homePaths } from '../../src/config/home.ts'
import {
  hasVault,
  prepareHome,
  prepareSocketDirectory,
  removeLeftovers,
  removeSocketDirectory,
  requireVault,
} from '../../src/daemon/home.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'

t.test('a new home is private and carries its version', async (t) => {
  const paths = homePaths(join(t.testdir(), 'deep', 'home'), {})
  await prepareHome(systemDisk, paths)
  for (const path of [paths.root, paths.identity, paths.run, paths.logs, paths.outbox, paths.hosted]) {
    t.equal(statSync(path).mode & 0o777, 0o700, path)
  }
  t.equal(readFileSync(paths.version, 'utf8'), '1\n')
  t.equal(await hasVault(systemDisk, paths), false)
  await t.rejects(requireVault(systemDisk, paths), { code: 'SYSTEM_NOT_INITIALISED', exitCode: 10 })
  chmodSync(paths.identity, 0o755)
  await prepareHome(systemDisk, paths)
  t.equal(statSync(paths.identity).mode & 0o777, 0o700, 'mended')
})

t.test('a newer home is refused, foreign directories are not taken over', async (t) => {
  const home = join(t.testdir({ 'config.toml': '' }))
  const paths = homePaths(home, {})
  await prepareHome(systemDisk, paths)
  writeFileSync(paths.version, '2\n')
  await t.rejects(prepareHome(systemDisk, paths), { code: 'CONFIG_NEWER_HOME' })
  await t.rejects(requireVault(systemDisk, paths), { code: 'CONFIG_NEWER_HOME' })

  const foreign = join(home, 'docs')
  mkdirSync(foreign, { mode: 0o755 })
  writeFileSync(join(foreign, 'thesis.odt'), 'x')
  await t.rejects(prepareHome(systemDisk, homePaths(foreign, {})), { code: 'VALIDATION_USAGE', message: /thesis/ })
  t.equal(statSync(foreign).mode & 0o777, 0o755)
})

t.test('a short socket directory must be private', async (t) => {
  const runtime = t.testdir({ rt: {} })
  chmodSync(join(runtime, 'rt'), 0o777)
  const paths = homePaths(join(runtime, 'x'.repeat(100)), { XDG_RUNTIME_DIR: join(runtime, 'rt') })
  await t.rejects(prepareSocketDirectory(systemDisk, paths), { code: 'SYSTEM_PERMISSION' })
  chmodSync(join(runtime, 'rt'), 0o700)
  await prepareSocketDirectory(systemDisk, paths)
  await removeSocketDirectory(systemDisk, paths)
  t.ok(existsSync(join(runtime, 'rt')), 'it belongs to the system')
})

t.test('a directory for the socket alone is made and goes again', async (t) => {
  const paths = homePaths(join(t.testdir(), 'x'.repeat(100)), {})
  const directory = paths.socketDirectory ?? ''
  await prepareSocketDirectory(systemDisk, paths)
  t.equal(statSync(directory).mode & 0o777, 0o700)
  await removeSocketDirectory(systemDisk, paths)
  t.notOk(existsSync(directory))
})

t.test('what cut off writers left goes, and nothing else', async (t) => {
  const paths = homePaths(join(t.testdir(), 'home'), {})
  await prepareHome(systemDisk, paths)
  const left = [paths.config, paths.keyFile, paths.token].map((path) => `${path}.0123456789ab.tmp`)
  const others = [`${paths.config}.old.tmp`, join(paths.root, 'note.0123456789ab.tmp'), `${paths.token}.tmp`]
  for (const path of [...left, ...others]) writeFileSync(path, 'x')
  await removeLeftovers(systemDisk, paths)
  t.same(left.filter(existsSync), [])
  t.same(others.filter(existsSync), others)
  t.ok(existsSync(paths.version))
})
