/** Entry of the program: the launcher calls `runProcess`. */
import { processIo, type CliIo } from './io.ts'
import { runCli, tellFailure } from './program.ts'

/** Runs the process's command line and ends the process with its exit code, after all output has left. */
export async function runProcess(): Promise<void> {
  const io = processIo()
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => leave(io, error))
  const code = await runCli(io)
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))))
  process.exit(code)
}

/** `plexichat ls … | head`: the reader has seen enough. What cannot be written otherwise, as on a full disk, is told. */
function leave(io: CliIo, error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? 0 : tellFailure(io, error))
}
