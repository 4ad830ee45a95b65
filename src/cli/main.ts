/** Entry of the program: the launcher calls `runProcess`. */
import { processIo } from './io.ts'
import { runCli } from './program.ts'

/** Runs the process's command line and ends the process with its exit code, after all output has left. */
export async function runProcess(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', leaveQuietly)
  const code = await runCli(processIo())
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))))
  process.exit(code)
}

/** `plexichat ls … | head`: the reader has seen enough. */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
