/**
 * Headers of a tar archive: POSIX ustar, with PAX records before an entry for what ustar has no room for. Written here
 * because names and attributes are bytes, and the libraries at hand know text only. Invariant: every length is a
 * multiple of 512.
 */
import { concat, utf8 } from '../../base/bytes.ts'
import { isUtf8 } from 'node:buffer'

export interface TarEntry {
  /** Relative, raw bytes. */
  readonly path: Uint8Array
  readonly type: 'file' | 'hard-link' | 'link' | 'char' | 'block' | 'dir' | 'fifo'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly user: string
  readonly group: string
  readonly mtimeNs: bigint
  /** Bytes that follow; 0 but for files. */
  readonly size: number
  /** What a link points to; the earlier path of a hard link. */
  readonly target?: Uint8Array
  readonly device?: readonly [number, number]
  readonly xattrs?: readonly (readonly [Uint8Array, Uint8Array])[]
}

const BLOCK = 512
/** Digits of octal fields and what fits them. */
const LONG = 11
const SHORT = 7
const MAX_LONG = 8 ** LONG - 1
const MAX_SHORT = 8 ** SHORT - 1
const NAME_BYTES = 100
const OWNER_BYTES = 31
const SECOND_NS = 1_000_000_000n

const typeFlags = { file: '0', 'hard-link': '1', link: '2', char: '3', block: '4', dir: '5', fifo: '6' } as const

/** Two empty blocks. */
export const tarEnd: Uint8Array = new Uint8Array(2 * BLOCK)

/** What brings `size` bytes of content to whole blocks. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}

export function tarHeader(entry: TarEntry): Uint8Array {
  const records = paxRecords(entry)
  if (records.length === 0) return ustar(entry, typeFlags[entry.type])
  const body = concat(...records)
  const pax: TarEntry = { ...anonymous, path: utf8('PaxHeader'), size: body.length }
  return concat(ustar(pax, 'x'), body, tarPadding(body.length), ustar(entry, typeFlags[entry.type]))
}

const anonymous = { type: 'file', mode: 0o644, uid: 0, gid: 0, user: '', group: '', mtimeNs: 0n } as const

/** A field too long or too large is cut here: its PAX record holds. */
function ustar(entry: TarEntry, flag: string): Uint8Array {
  const block = Buffer.alloc(BLOCK)
  const { path, target = new Uint8Array(0), device = [0, 0] } = entry
  block.set(path.subarray(0, NAME_BYTES), 0)
  octal(block, 100, { value: entry.mode, digits: SHORT })
  octal(block, 108, { value: entry.uid, digits: SHORT })
  octal(block, 116, { value: entry.gid, digits: SHORT })
  octal(block, 124, { value: entry.size, digits: LONG })
  octal(block, 136, { value: Number(wholeSeconds(entry.mtimeNs)), digits: LONG })
  block.write(flag, 156, 'latin1')
  block.set(target.subarray(0, NAME_BYTES), 157)
  block.write('ustar\0' + '00', 257, 'latin1')
  block.set(utf8(entry.user).subarray(0, OWNER_BYTES), 265)
  block.set(utf8(entry.group).subarray(0, OWNER_BYTES), 297)
  octal(block, 329, { value: device[0], digits: SHORT })
  octal(block, 337, { value: device[1], digits: SHORT })
  // The sum counts its own field as blanks.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, at: number, { value, digits }: { value: number; digits: number }): void {
  const fitting = Math.min(Math.max(value, 0), 8 ** digits - 1)
  block.write(fitting.toString(8).padStart(digits, '0'), at, 'latin1')
}

function paxRecords(entry: TarEntry): Uint8Array[] {
  const { path, target, mtimeNs, size, uid, gid, user, group, xattrs = [] } = entry
  const texts = [path, ...(target === undefined ? [] : [target])]
  const records: [string | Uint8Array, string | Uint8Array][] = []
  if (!texts.every((text) => isUtf8(text))) records.push(['hdrcharset', 'BINARY'])
  if (!fits(path, NAME_BYTES)) records.push(['path', path])
  if (target !== undefined && !fits(target, NAME_BYTES)) records.push(['linkpath', target])
  if (mtimeNs !== wholeSeconds(mtimeNs) * SECOND_NS) records.push(['mtime', seconds(mtimeNs)])
  if (size > MAX_LONG) records.push(['size', String(size)])
  if (uid > MAX_SHORT) records.push(['uid', String(uid)])
  if (gid > MAX_SHORT) records.push(['gid', String(gid)])
  if (!fits(utf8(user), OWNER_BYTES)) records.push(['uname', user])
  if (!fits(utf8(group), OWNER_BYTES)) records.push(['gname', group])
  for (const [name, value] of xattrs) records.push([concat(utf8('SCHILY.xattr.'), escaped(name)), value])
  return records.map(([key, value]) => paxRecord(bytesOf(key), bytesOf(value)))
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: Uint8Array, value: Uint8Array): Uint8Array {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  if (String(length).length > String(rest).length) length++
  return concat(utf8(`${String(length)} `), key, utf8('='), value, utf8('\n'))
}

/** `=` ends a key: tar writes it as `%3D`, and `%` as `%25`. */
function escaped(name: Uint8Array): Uint8Array {
  const text = Buffer.from(name).toString('latin1').replaceAll('%', '%25').replaceAll('=', '%3D')
  return Buffer.from(text, 'latin1')
}

/** ustar is for ASCII. */
function fits(text: Uint8Array, max: number): boolean {
  return text.length <= max && text.every((byte) => byte < 0x80)
}

/** What the ustar field can say of a time. */
function wholeSeconds(ns: bigint): bigint {
  const whole = ns / SECOND_NS
  return whole < 0n ? 0n : whole > BigInt(MAX_LONG) ? BigInt(MAX_LONG) : whole
}

/** −1500000000n → "-1.500000000" */
function seconds(ns: bigint): string {
  const size = ns < 0n ? -ns : ns
  return `${ns < 0n ? '-' : ''}${String(size / SECOND_NS)}.${String(size % SECOND_NS).padStart(9, '0')}`
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? utf8(text) : text
}
