/** `export`: a snapshot, or a part of it, as a tar stream for any other program. */
import { Command } from 'commander'
import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { PlexiError } from '../../base/errors.ts'
import { given, snapshotPath, type Cli } from '../cli.ts'
import { size } from '../format.ts'
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

/** The file appears whole or not at all, and never over another one. */
async function intoFile(session: Session, path: string, tar: AsyncIterable<Uint8Array>): Promise<void> {
  if (existsSync(path)) throw new PlexiError('STORAGE_EXISTS', { what: path })
  // Of this process alone, so that nobody's file is in the way.
  const part = `${path}.${String(process.pid)}.part`
  const file = createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true })
  try {
    await pipeline(tar, file)
    await rename(part, path)
  } finally {
    await rm(part, { force: true })
  }
  const bytes = file.bytesWritten
  session.out.document({ path, bytes }, () => session.out.good(`${size(bytes)} in ${path}`))
}
