/** Progress of long work on stderr: a bar on a terminal, a line every ten seconds elsewhere, nothing with `--json`. */
import { SingleBar } from 'cli-progress'
import { SECOND } from '../base/clock.ts'
import type { ProgressEvent } from '../api/index.ts'
import { cliClock } from './clock.ts'
import { counted, duration, size, who } from './format.ts'
import type { Session } from './session.ts'

const LINE_EVERY_MS = 10 * SECOND
/** Rates over the last this long; a remaining time is shown only after this. */
const SMOOTH_MS = 5 * SECOND
const MAX_PEERS = 5

export interface ProgressView {
  show(event: ProgressEvent): void
  /** Clears the bar, so that other lines can be printed. */
  pause(): void
  stop(): void
}

export function progressView(session: Session): ProgressView {
  const { out, io, options } = session
  if (out.json || options.quiet || !options.progress) return silent
  return io.stderr.isTTY === true && io.env['TERM'] !== 'dumb'
    ? new Bar(io.stderr as unknown as NodeJS.WritableStream)
    : new Lines(session)
}

const silent: ProgressView = { show() {}, pause() {}, stop() {} }

const verbs: Readonly<Record<string, string>> = {
  reading: 'Reading',
  placing: 'Placing',
  restoring: 'Restoring',
  checking: 'Checking',
  recovering: 'Recovering',
  exporting: 'Exporting',
}

/** What `files` of an event counts, where that is not files. */
const units: Readonly<Record<string, string>> = { checking: 'shard', marking: 'snapshot' }

class Bar implements ProgressView {
  readonly #stream: NodeJS.WritableStream
  readonly #rate = new Rate()
  #bar: SingleBar | undefined

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
  }

  show(event: ProgressEvent): void {
    const total = event.bytesTotal ?? 0
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        format: '{verb} {bar} {text}',
        barsize: 24,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        hideCursor: true,
        clearOnComplete: true,
        stopOnComplete: false,
        fps: 8,
        linewrap: false,
        gracefulExit: false,
        stream: this.#stream,
      })
      this.#bar.start(Math.max(total, 1), 0, payload(event, this.#rate))
    }
    this.#bar.setTotal(Math.max(total, 1))
    this.#bar.update(total === 0 ? 0 : Math.min(event.bytes, total), payload(event, this.#rate))
  }

  pause(): void {
    this.stop()
  }

  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }
}

class Lines implements ProgressView {
  readonly #session: Session
  readonly #rate = new Rate()
  #next = cliClock.elapsed() + LINE_EVERY_MS

  constructor(session: Session) {
    this.#session = session
  }

  show(event: ProgressEvent): void {
    const { verb, text } = payload(event, this.#rate)
    if (cliClock.elapsed() < this.#next) return
    this.#next = cliClock.elapsed() + LINE_EVERY_MS
    this.#session.out.note(`${verb}: ${text}`)
  }

  pause(): void {
    // Lines never overwrite each other.
  }

  stop(): void {
    // Nothing is open.
  }
}

function payload(event: ProgressEvent, rate: Rate): { verb: string; text: string } {
  const perSecond = rate.of(event.phase, event.bytes)
  const verb = verbs[event.phase] ?? event.phase
  const { bytesTotal, queued } = event
  const files = countText(event)
  const parts = [
    bytesTotal === null ? size(event.bytes) : `${size(event.bytes)} of ${size(bytesTotal)}`,
    ...(files === undefined ? [] : [files]),
  ]
  if (perSecond !== undefined) {
    parts.push(`${size(perSecond)}/s`)
    if (bytesTotal !== null && perSecond > 0)
      parts.push(`${duration(((bytesTotal - event.bytes) / perSecond) * 1000)} left`)
  }
  if (queued !== undefined && queued > 0) parts.push(`${size(queued)} wait for hosts`)
  const peers = (event.peers ?? []).slice(0, MAX_PEERS).map((peer) => `${who(peer)} ${size(peer.bytes)}`)
  return { verb, text: [...parts, ...peers].join(' · ') }
}

/** Undefined where nothing is counted. */
function countText({ phase, files, filesTotal }: ProgressEvent): string | undefined {
  const unit = units[phase] ?? 'file'
  if (filesTotal !== null) return `${String(files)} of ${counted(filesTotal, unit)}`
  return files === 0 ? undefined : counted(files, unit)
}

/** Bytes a second, smoothed over `SMOOTH_MS`; undefined until that much is known. */
class Rate {
  #phase = ''
  #samples: { at: number; bytes: number }[] = []

  of(phase: string, bytes: number): number | undefined {
    const at = cliClock.elapsed()
    if (phase !== this.#phase || bytes < (this.#samples.at(-1)?.bytes ?? 0)) this.#samples = []
    this.#phase = phase
    this.#samples.push({ at, bytes })
    while ((this.#samples[1]?.at ?? at) < at - SMOOTH_MS) this.#samples.shift()
    const first = this.#samples[0]
    if (first === undefined || at - first.at < SMOOTH_MS * 0.9) return undefined
    return ((bytes - first.bytes) / (at - first.at)) * 1000
  }
}
