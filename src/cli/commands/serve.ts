/** `serve`: look through snapshots with a browser or a file manager, until Ctrl-C. */
import { Command } from 'commander'
import { integerOption, type Cli } from '../cli.ts'
import type { Session } from '../session.ts'

const TOKEN_BYTES = 18

export function build(cli: Cli): Command {
  return new Command('serve')
    .option('--port <port>', 'on 127.0.0.1; otherwise the system chooses', integerOption(0, 65_535), 0)
    .action(cli.action(serve))
}

async function serve(session: Session, { port }: { port: number }): Promise<number> {
  const { toBase64Url } = await import('../../base/bytes.ts')
  const { systemRandom } = await import('../../daemon/index.ts')
  const { BrowseServer } = await import('../serve/browse-server.ts')
  const { Shelf } = await import('../serve/shelf.ts')
  // Whether there is a daemon shows now, not with the first page.
  await session.ask('node', {})
  const token = toBase64Url(systemRandom.bytes(TOKEN_BYTES))
  const server = new BrowseServer({ port, token }, new Shelf(await session.client()))
  const url = await server.start()
  const { out } = session
  out.line('ready', { url })
  if (!out.json) out.print(out.good(`Browser or WebDAV: ${url}`))
  out.note('Read only, for whoever knows this address on this machine. Ctrl-C ends it.')
  try {
    await interrupted(session)
  } finally {
    await server.stop()
  }
  return 0
}

/** Resolves with the first interrupt, rejects when the time of `--timeout` is over. */
function interrupted(session: Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.takeInterrupts(() => {
      resolve()
    })
    session.signal.addEventListener('abort', () => {
      reject(session.signal.reason as Error)
    })
  })
}
