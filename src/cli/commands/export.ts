/** `export`: a snapshot, or a part of it, as a tar stream for any other program. */
import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { PlexiError } from '../../base/errors.ts'
import { given, snapshotPath, type Cli } from '../cli.ts'
import { size } from '../format.ts'
import { progressView } from '../progress.ts'
import { writeWholeFile } from '../whole-file.ts'
import type { Session } from '../session.ts'
import { withSnapshotFilter, type SnapshotFilterOptions } from '../snapshot-filter.ts'

interface Options extends SnapshotFilterOptions {
  readonly to?: string
}

export function build(cli: Cli): Command {
  return withSnapshotFilter(
    new Command('export')
      .argument('<snap[:path]>', 'a snapshot (id, start of an id, or latest), and what of it')
      .option('--to <file>', 'into a new file instead of standard output'),
  ).action(cli.action(exportTar))
}

async function exportTar(session: Session, what: string, options: Options): Promise<void> {
  const { ref, path: at } = snapshotPath(what)
  const { tag, path, name, device, to } = options
  if (to === undefined && session.out.isTerminal)
    throw new PlexiError('VALIDATION_USAGE', { reason: 'a tar stream is not for a terminal: use --to FILE or a pipe' })
  const input = { params: { ref }, query: given({ tag, path, name, device, at }) }
  await session.reach(async (client) => {
    const tar = client.bytes('snapshotArchive', input, { signal: session.signal })
    if (to === undefined) await session.out.stream(tar)
    else await intoFile(session, session.path(to), tar)
  })
}

async function intoFile(session: Session, path: string, tar: AsyncIterable<Uint8Array>): Promise<void> {
  if (existsSync(path)) throw new PlexiError('STORAGE_EXISTS', { what: path })
  const bytes = await writeWholeFile(path, watched(session, tar))
  session.out.document({ path, bytes }, () => session.out.good(`${size(bytes)} in ${path}`))
}

async function* watched(session: Session, tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const view = progressView(session)
  const event = { type: 'progress', phase: 'exporting', filesTotal: null, bytesTotal: null } as const
  let bytes = 0
  try {
    for await (const part of tar) {
      bytes += part.length
      view.show({ ...event, files: 0, bytes })
      yield part
    }
  } finally {
    view.stop()
  }
}
