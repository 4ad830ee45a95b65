/**
 * Structured logging: JSON lines through pino. Whatever is passed as a field is made plain, bounded and free of secrets
 * first: bytes are never printed, and fields whose name says secret are replaced, at any depth.
 */
import { pino } from 'pino'
import { isPlexiError } from '../base/errors.ts'
import type { LogFields, Logger } from '../base/log.ts'
import type { Service } from '../base/lifecycle.ts'
import type { LiveSettings } from './live-settings.ts'
import { openLogFile, type LineSink } from './system/log-file.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The daemon's log file, its level following the settings. */
export function openLog(path: string, settings: LiveSettings): { log: Logger; logService: Service } {
  const { level, size, files } = settings.values.logs
  const sink = openLogFile(path, { maxBytes: size, maxOld: files })
  const { log, setLevel } = createLogger(level, sink)
  settings.listen(({ logs }) => setLevel(logs.level))
  return { log, logService: { start: async () => undefined, stop: async () => sink.close() } }
}

export interface LogHandle {
  readonly log: Logger
  readonly setLevel: (level: LogLevel) => void
}

const MAX_DEPTH = 5
const MAX_TEXT = 2_000
const MAX_ITEMS = 50
const SECRET_NAME = /phrase|words|secret|passw|token|seed|private|wrap|invite|code$|key$|keys$|authorization|cookie/i
/** Names that the pattern above would hit but that say nothing secret. */
const PUBLIC_NAMES = new Set(['code', 'key', 'publickey', 'peerkey', 'exitcode', 'statuscode', 'errorcode'])

export function createLogger(level: LogLevel, sink: LineSink): LogHandle {
  const root = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => plain(fields, 0) as Record<string, unknown>,
      },
    },
    { write: (line: string) => sink.write(line.trimEnd()) },
  )
  return {
    log: port(root),
    setLevel(next) {
      root.level = next
    },
  }
}

function port(target: pino.Logger): Logger {
  return {
    debug: (message, fields) => target.debug(fields ?? {}, message),
    info: (message, fields) => target.info(fields ?? {}, message),
    warn: (message, fields) => target.warn(fields ?? {}, message),
    error: (message, fields) => target.error(fields ?? {}, message),
    child: (fields: LogFields) => port(target.child(plain(fields, 0) as Record<string, unknown>)),
  }
}

/** The value as it may be logged. */
export function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value
  if (value instanceof Uint8Array) return `<${value.length} bytes>`
  if (value instanceof Error) return plainError(value, depth)
  if (depth >= MAX_DEPTH) return '<deep>'
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => plain(item, depth + 1))
  const entries = Object.entries(value).slice(0, MAX_ITEMS)
  return Object.fromEntries(entries.map(([name, item]) => [name, isSecret(name) ? '<secret>' : plain(item, depth + 1)]))
}

function isSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !PUBLIC_NAMES.has(name.toLowerCase())
}

function plainError(error: Error, depth: number): Record<string, unknown> {
  const known = isPlexiError(error)
  const { cause } = error
  return {
    name: error.name,
    ...(known ? { code: error.code, details: plain(error.details, depth + 1) } : {}),
    message: plain(error.message, depth),
    // Expected errors carry a code that says where they come from; a stack is for bugs.
    ...(known && error.code !== 'SYSTEM_UNEXPECTED' ? {} : { stack: plain(error.stack, depth) }),
    ...(cause === undefined || depth >= MAX_DEPTH ? {} : { cause: plain(cause, depth + 1) }),
  }
}
