/** Numbers as people read them. Sizes in powers of 1024; times relative to now, or exact. */
import { DAY, HOUR, MINUTE, SECOND } from '../base/clock.ts'

export { count, counted } from '../base/text.ts'

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** 1503238553 → "1.4 GiB"; whole bytes below 1 KiB. */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1023.95 && unit < sizeUnits.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${sizeUnits[unit] ?? ''}`
}

/** 0.999998 → "99.9998 %": digits grow with the nines, never rounded up to 100. */
export function percent(probability: number | null): string {
  if (probability === null) return 'unknown'
  if (probability >= 1) return '100 %'
  const nines = probability <= 0 ? 0 : Math.floor(-Math.log10(1 - probability))
  const digits = Math.min(9, Math.max(1, nines))
  const scale = 10 ** digits
  return `${String(Math.floor(probability * 100 * scale + 1e-9) / scale)} %`
}

/** 95000 → "1 min 35 s" */
export function duration(ms: number): string {
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`
  if (ms < MINUTE) return `${String(Math.round(ms / SECOND))} s`
  if (ms < HOUR) return `${String(Math.floor(ms / MINUTE))} min ${String(Math.round((ms % MINUTE) / SECOND))} s`
  if (ms < DAY) return `${String(Math.floor(ms / HOUR))} h ${String(Math.round((ms % HOUR) / MINUTE))} min`
  return `${String(Math.floor(ms / DAY))} d ${String(Math.round((ms % DAY) / HOUR))} h`
}

/** "5 min ago", "in 2 d", "just now"; "never" for null. */
export function ago(time: string | null, now: number): string {
  if (time === null) return 'never'
  const distance = now - Date.parse(time)
  const span = Math.abs(distance)
  if (span < 5 * SECOND) return 'just now'
  const text = roughly(span)
  return distance > 0 ? `${text} ago` : `in ${text}`
}

/** "2026-01-02 03:04:05", UTC. */
export function timestamp(time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}

/** The first digits of an id, enough to name it. */
export function short(id: string, length = 12): string {
  return id.slice(0, length)
}

/** A peer id by its end, which differs; "Bob" where a name is known. */
export function who(peer: { readonly peer: string; readonly name: string | null }): string {
  return peer.name ?? `…${peer.peer.slice(-8)}`
}

/** rwxr-xr-x */
export function modeText(type: string, mode: number): string {
  const kinds: Readonly<Record<string, string>> = {
    dir: 'd',
    symlink: 'l',
    fifo: 'p',
    socket: 's',
    char: 'c',
    block: 'b',
  }
  const bits = 'rwxrwxrwx'.replace(/./g, (letter, at: number) => ((mode >> (8 - at)) & 1 ? letter : '-'))
  return (kinds[type] ?? '-') + bits
}

/** A name that came from elsewhere, safe to print: control characters, also those that turn text around, are shown. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${code}`
  })
}

function roughly(ms: number): string {
  if (ms < MINUTE) return `${String(Math.round(ms / SECOND))} s`
  if (ms < HOUR) return `${String(Math.round(ms / MINUTE))} min`
  if (ms < 2 * DAY) return `${String(Math.round(ms / HOUR))} h`
  return `${String(Math.round(ms / DAY))} days`
}
