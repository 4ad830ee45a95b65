import { tmpdir } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { commandOutput } from '../../../src/daemon/system/command-output.ts'
import { collect, never } from '../../support/vault.ts'

function run(command: string, signal: AbortSignal = never): { output: AsyncGenerator<Uint8Array>; told: string[] } {
  const told: string[] = []
  const output = commandOutput({ run: command, directory: tmpdir(), tell: (line) => told.push(line) }, signal)
  return { output, told }
}

t.test('what a shell command writes, in its directory, without our own settings', async (t) => {
  process.env['PLEXICHAT_PASSPHRASE_FILE'] = '/secret'
  t.teardown(() => delete process.env['PLEXICHAT_PASSPHRASE_FILE'])
  const { output, told } = run('pwd; echo "[$PLEXICHAT_PASSPHRASE_FILE]" | cat; echo careful >&2; echo >&2; cat')
  t.equal(Buffer.concat(await collect(output)).toString(), `${tmpdir()}\n[]\n`)
  t.same(told, ['careful'])
})

t.test('more than fits into a pipe arrives whole', async (t) => {
  const { output } = run('head -c 5000000 /dev/zero')
  let bytes = 0
  for await (const piece of output) bytes += piece.length
  t.equal(bytes, 5_000_000)
})

t.test('an exit code, a signal, a shell that cannot start: each fails with the code and says why', async (t) => {
  const code = 'STORAGE_COMMAND_FAILED'
  await t.rejects(collect(run('echo half; echo no such table >&2; exit 3').output), {
    code,
    details: { reason: 'exit code 3: no such table' },
  })
  await t.rejects(collect(run('echo half; kill -9 $$').output), { code, details: { reason: 'ended by SIGKILL' } })
  await t.rejects(collect(run('no-such-program-anywhere').output), { code, details: { reason: /^exit code 127/ } })
  const nowhere = commandOutput({ run: 'true', directory: '/no/such/directory', tell: () => undefined }, never)
  await t.rejects(collect(nowhere), { code, details: { reason: /ENOENT/ } })
})

t.test('cancelled, or left: all that it started ends', async (t) => {
  const stop = new AbortController()
  const { output } = run('sleep 1000 & echo $!; echo $$; wait', stop.signal)
  const pids: number[] = []
  while (pids.length < 2) {
    const { value } = (await output.next()) as { value: Uint8Array }
    pids.push(...String(Buffer.from(value)).trim().split('\n').map(Number))
  }
  stop.abort(new Error('cancelled'))
  await t.rejects(collect(output), { message: 'cancelled' })
  await goneSoon(pids)

  const left = run('echo $$; exec sleep 1000').output
  const pid = Number(String(Buffer.from((await left.next()).value)))
  await left.return(undefined)
  await goneSoon([pid])
})

async function goneSoon(pids: readonly number[]): Promise<void> {
  for (const pid of pids) while (lives(pid)) await setTimeout(20)
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
