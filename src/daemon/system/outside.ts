/** What reaches out of this process to tell somebody something: an HTTP request, a program. Both bounded in time. */
import { spawn } from 'node:child_process'

export interface HttpPost {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The status. Redirects are not followed: a signed message goes where it was meant to or nowhere. Throws when unreachable. */
export async function httpPost({ url, headers, body }: HttpPost, signal: AbortSignal): Promise<number> {
  const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
  await answer.body?.cancel()
  return answer.status
}

/** Runs a program without a shell, `input` on its standard input; its output is dropped. Resolves to how it ended. */
export async function runProgram(
  argv: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<{ code: number | null; signal: string | null }> {
  const [command = '', ...args] = argv
  const child = spawn(command, args, { cwd: '/', shell: false, stdio: ['pipe', 'ignore', 'ignore'], env: ownEnv() })
  const stop = (): void => {
    child.kill('SIGKILL')
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signalName) => resolve({ code, signal: signalName }))
      // Who does not read what it is told may still have done its work.
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Without what is ours alone: names of files with secrets. */
function ownEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PLEXICHAT_')))
}
