/** Quantities as people write them: "50GiB", "10m". Sizes are powers of 1024 (`KiB`) or of 1000 (`kB`), never guessed. */
import { DAY, HOUR, MINUTE, SECOND } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

const timeUnits: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY }

/** Bytes of "50GiB", "1.5 TB", "4096". Throws `VALIDATION_FORMAT`. */
export function parseBytes(text: string): number {
  return Math.floor(parse(text, sizeUnits, 'a size such as 50GiB'))
}

/** Milliseconds of "10m", "90s", "7d", "250ms". A unit is required, except for 0. Throws `VALIDATION_FORMAT`. */
export function parseDuration(text: string): number {
  return text.trim() === '0' ? 0 : Math.floor(parse(text, timeUnits, 'a duration such as 10m'))
}

/** The shortest exact form: 53687091200 → "50GiB". */
export function bytesText(bytes: number): string {
  return exact(bytes, [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ])
}

/** The shortest exact form: 600000 → "10m". */
export function durationText(ms: number): string {
  const text = exact(ms, [
    ['d', DAY],
    ['h', HOUR],
    ['m', MINUTE],
    ['s', SECOND],
  ])
  return /^[1-9]\d*$/.test(text) ? `${text}ms` : text
}

function parse(text: string, units: Readonly<Record<string, number>>, expected: string): number {
  const match = /^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)\s*$/i.exec(text)
  const unit = units[(match?.[2] ?? '').toLowerCase()]
  const value = Number(match?.[1]) * (unit ?? Number.NaN)
  if (match === null || !Number.isSafeInteger(Math.floor(value)))
    throw new PlexiError('VALIDATION_FORMAT', { expected })
  return value
}

function exact(value: number, units: readonly (readonly [string, number])[]): string {
  for (const [name, size] of units) if (value > 0 && value % size === 0) return `${String(value / size)}${name}`
  return String(value)
}
