/** Starting and stopping the daemon in the background, for `up`, `down` and `restart`. */
import { SECOND } from '../base/clock.ts'
import { daemonArguments, type DaemonOptions } from './daemon-flags.ts'
import type { Session } from './session.ts'
import { launcher } from './version.ts'

const START_TIMEOUT_MS = 60 * SECOND
const STOP_TIMEOUT_MS = 30 * SECOND

export async function startDaemon(session: Session, options: DaemonOptions) {
  const { startInBackground, systemClock, systemDisk } = await import('../daemon/index.ts')
  const { command, args } = launcher()
  const request = {
    paths: session.paths,
    command,
    args: [...args, 'daemon', '--home', session.paths.root, ...daemonArguments(options)],
    env: session.io.env,
    timeoutMs: session.options.timeoutMs ?? START_TIMEOUT_MS,
  }
  return startInBackground(request, { disk: systemDisk, clock: systemClock }, session.signal)
}

export async function stopDaemon(session: Session): Promise<{ pid: number }> {
  const { stopInBackground, systemClock, systemDisk } = await import('../daemon/index.ts')
  session.requireVault()
  const request = { paths: session.paths, timeoutMs: session.options.timeoutMs ?? STOP_TIMEOUT_MS }
  return stopInBackground(request, { disk: systemDisk, clock: systemClock }, session.signal)
}

/** What `up` and `restart` print. */
export function printStarted(session: Session, info: Awaited<ReturnType<typeof startDaemon>>): void {
  const { pid, peerId, vault, addresses, api, started } = info
  session.out.document({ pid, peerId, vault, addresses, api, started }, () => {
    const { dim } = session.out.paint
    const what = started ? 'The daemon is running' : 'The daemon was running already'
    return [session.out.good(`${what} (pid ${String(pid)})`), `  ${dim('API')}  ${api}`].join('\n')
  })
}
