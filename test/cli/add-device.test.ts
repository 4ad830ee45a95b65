/** `identity add-device` and `init --device-code` against a daemon of this process: words and code go where they belong. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { grantsOption } from '../../src/cli/add-device.ts'
import { Homes } from '../daemon/homes.ts'
import { cli, until, type CliRun, type CliRunOptions } from './run-cli.ts'

interface Started {
  /** The one-time code, once it is shown. */
  readonly code: Promise<string>
  readonly done: Promise<CliRun>
  readonly interrupt: () => void
}

class Bench {
  readonly homes: Homes
  readonly #words: string

  private constructor(homes: Homes, words: string) {
    this.homes = homes
    this.#words = words
  }

  static async open(t: Test): Promise<Bench> {
    const homes = new Homes(t)
    const { phrase } = await homes.init('anna')
    await homes.start('anna', [])
    const words = join(homes.root, 'words')
    writeFileSync(words, phrase, { mode: 0o600 })
    return new Bench(homes, words)
  }

  at(name: string, args: readonly string[], options: CliRunOptions = {}): Promise<CliRun> {
    return cli([...args, '--home', this.homes.paths(name).root], options)
  }

  add(...args: string[]): Started {
    let output = (): string => ''
    let interrupt = (): void => undefined
    const done = this.at('anna', ['identity', 'add-device', '--phrase-file', this.#words, ...args], {
      control: (stop, text) => {
        output = text
        interrupt = stop
      },
    })
    const shown = (): string | undefined => /plexidev1[\w-]+(?=["\s])/.exec(output())?.[0]
    const code = until(() => shown() !== undefined).then(() => String(shown()))
    return { code, done, interrupt }
  }

  init(name: string, code: string, ...args: string[]): Promise<CliRun> {
    return this.at(name, ['init', '--name', name, '--offer', '0', '--device-code', '-', ...args], { stdin: [code] })
  }
}

t.test('a code goes from one machine to the other, and the words to neither', { timeout: 60_000 }, async (t) => {
  const bench = await Bench.open(t)
  const adding = bench.add('--grants', 'store', '--name', 'NAS', '--json')
  const joined = await bench.init('nas', await adding.code, '--json')
  t.equal(joined.code, 0, joined.stderr)
  t.match(joined.json, { peerId: /^12D3/, name: 'NAS', grants: ['store', 'head'] })
  t.notOk('phrase' in joined.json)
  const added = await adding.done
  t.equal(added.code, 0, added.stderr)
  t.match(added.lines, [
    { type: 'code', code: /^plexidev1/, expires: String },
    { type: 'asked', peer: joined.json['peerId'], name: 'nas' },
    { type: 'summary', ok: true, name: 'NAS', grants: ['store', 'head'], taken: true },
  ])
  const { devices } = (await bench.at('anna', ['identity', 'devices', '--json'])).json as { devices: object[] }
  t.match(devices, [{ name: 'anna' }, { name: 'NAS', peer: joined.json['peerId'], writeOnly: true }])
  t.match((await bench.init('again', await adding.code, '--json')).error, {
    code: 'SECURITY_DEVICE_CODE',
    exitCode: 17,
  })
  t.notOk(existsSync(bench.homes.paths('again').keystore))

  const human = bench.add()
  const desk = await bench.init('desk', await human.code)
  t.match(desk.stdout, /This machine is desk, a device of vault .* that may store, fetch, release, head, chat/)
  t.match((await human.done).stdout, /^plexidev1[\s\S]*desk is a device of this vault now/)
})

t.test('an interrupt calls the code off', { timeout: 60_000 }, async (t) => {
  const bench = await Bench.open(t)
  const adding = bench.add('--json')
  const code = await adding.code
  adding.interrupt()
  t.equal((await adding.done).code, 130)
  t.match((await bench.init('nas', code, '--json')).error, { code: 'SECURITY_DEVICE_CODE', message: /used up/ })
})

t.test('what is no code, and no place for one', async (t) => {
  const homes = new Homes(t)
  const init = (...args: string[]) =>
    cli(['init', '--home', homes.paths('new').root, '--json', ...args], { stdin: ['plexi1AAAA'] })
  t.match((await init('--device-code', 'plexidev1AAAA')).error, { code: 'VALIDATION_USAGE', message: /command line/ })
  t.match((await init('--device-code', '-', '--phrase-file', 'words')).error, { code: 'VALIDATION_USAGE' })
  t.match((await init('--device-code')).error, { code: 'SECURITY_DEVICE_CODE', message: /not a device code/ })
  t.notOk(existsSync(homes.paths('new').root))
})

t.test('grants: in the order of the table, and every device that stores leaves heads', async (t) => {
  t.same(grantsOption('store'), ['store', 'head'])
  t.same(grantsOption('release, store'), ['store', 'release', 'head'])
  t.throws(() => grantsOption('fetch'), { code: 'VALIDATION_USAGE' })
  t.throws(() => grantsOption('store,everything'), { code: 'VALIDATION_USAGE', message: /everything/ })
})
