/**
 * `plexichat daemon` in the foreground: opens the daemon, then waits until somebody wants it to end. The first SIGTERM or
 * SIGINT ends it cleanly, a second one at once; SIGHUP reloads the settings.
 */
import { deadline, SECOND } from '../base/clock.ts'
import { toPlexiError } from '../base/errors.ts'
import { openDaemon, type DaemonRequest, type ReadyInfo, type RunningDaemon } from './daemon.ts'
import { systemClock } from './system/index.ts'

/** A clean end that takes longer than this has failed; what was acknowledged is durable all the same. */
const STOP_TIMEOUT_MS = 20 * SECOND
const KILLED_AT_ONCE = 130
/** Two signals nearer than this are one: a launcher passes on what the terminal has sent to both. */
const SAME_SIGNAL_MS = 500

/** Resolves to the exit code. `ready` is called once, when everything listens. Startup errors are thrown. */
export async function runDaemon(request: DaemonRequest, hooks: { ready(info: ReadyInfo): void }): Promise<number> {
  const asked = Promise.withResolvers<string>()
  let first: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = systemClock.elapsed()
    if (first !== undefined && now - first > SAME_SIGNAL_MS) process.exit(KILLED_AT_ONCE)
    first ??= now
    asked.resolve(signal)
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  try {
    const daemon = await openDaemon(request)
    const release = watchOver(daemon, asked.resolve)
    hooks.ready(daemon.info)
    const reason = await Promise.race([asked.promise, daemon.stopAsked])
    daemon.log.info('stopping', { reason })
    const clean = await stopInTime(daemon)
    release()
    return clean && reason !== CRASH ? 0 : 1
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
  }
}

const CRASH = 'crash'

/** What no part caught: a bug. It is logged; an exception ends the daemon cleanly, a stray rejection does not. */
function watchOver(daemon: RunningDaemon, stop: (reason: string) => void): () => void {
  const onException = (error: Error): void => {
    daemon.log.error('uncaught exception', { error })
    stop(CRASH)
  }
  const onRejection = (error: unknown): void => {
    daemon.log.error('unhandled rejection', { error })
  }
  const onHangUp = (): void => {
    daemon.reload().then(
      (reloaded) => daemon.log.info('settings read again', { ...reloaded }),
      (error: unknown) => daemon.log.warn('settings not reloaded', { error: toPlexiError(error) }),
    )
  }
  process.on('uncaughtException', onException).on('unhandledRejection', onRejection).on('SIGHUP', onHangUp)
  return () => {
    process.off('uncaughtException', onException).off('unhandledRejection', onRejection).off('SIGHUP', onHangUp)
  }
}

async function stopInTime(daemon: RunningDaemon): Promise<boolean> {
  const limit = deadline(systemClock, STOP_TIMEOUT_MS)
  const late = new Promise<boolean>((resolve) => {
    limit.signal.addEventListener('abort', () => resolve(false), { once: true })
  })
  try {
    return await Promise.race([daemon.stop().then(() => true), late])
  } finally {
    limit.clear()
  }
}
