/** A small tree with everything a backup must keep, and a description of a tree to compare two of them. */
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  lstatSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createCipheriv, createHash } from 'node:crypto'

const buffer = { encoding: 'buffer' } as const

/** Files of many sizes, odd names, links, modes and times. About 3 MB. */
export function makeTree(path: string): void {
  mkdirSync(`${path}/deep/er/and/deeper`, { recursive: true })
  mkdirSync(`${path}/empty`)
  writeFileSync(`${path}/nothing`, '')
  writeFileSync(`${path}/one`, '1')
  writeFileSync(`${path}/deep/er/and/deeper/text`, 'x'.repeat(100_000))
  writeFileSync(`${path}/large`, noise('large', 1_500_000))
  writeFileSync(`${path}/repeats`, Buffer.alloc(1_000_000, 'a line of an export\n'))
  writeFileSync(`${path}/päth with ünicode`, 'ü')
  writeFileSync(Buffer.concat([Buffer.from(`${path}/not-utf8-`), Buffer.from([0xff, 0xfe])]), 'bytes')
  for (let i = 0; i < 200; i++) writeFileSync(`${path}/deep/${String(i)}.txt`, `file ${String(i)} `.repeat(i))
  symlinkSync('../nowhere', `${path}/dangling`)
  symlinkSync('deep', `${path}/to-deep`)
  chmodSync(`${path}/one`, 0o4751)
  chmodSync(`${path}/nothing`, 0o400)
  lutimesSync(`${path}/one`, 1_234_567_890, '1234567890.1234565')
  lutimesSync(`${path}/large`, 1, '-1.5')
  lutimesSync(`${path}/to-deep`, 1_500_000_000, 1_500_000_000)
  chmodSync(`${path}/deep/er`, 0o555)
  lutimesSync(`${path}/deep`, 1_400_000_000, 1_400_000_000)
}

/** One line per entry: path, type, mode, µs, content. Equal lists mean equal trees. */
export function describeTree(path: string | Buffer, below = ''): string[] {
  const lines: string[] = []
  const root = Buffer.from(path)
  for (const name of readdirSync(root, buffer).toSorted((a, b) => Buffer.compare(a, b))) {
    const full = Buffer.concat([root, Buffer.from('/'), name])
    const stat = lstatSync(full, { bigint: true })
    const where = `${below}/${name.toString('latin1')}`
    const common = `${(stat.mode & 0o7777n).toString(8)} ${microseconds(stat.mtimeNs)}`
    if (stat.isDirectory()) lines.push(`d ${where} ${common}`, ...describeTree(full, where))
    else if (stat.isSymbolicLink()) lines.push(`l ${where} ${microseconds(stat.mtimeNs)} ${readlinkSync(full)}`)
    else lines.push(`f ${where} ${common} ${createHash('sha256').update(readFileSync(full)).digest('hex')}`)
  }
  return lines
}

/** Reproducible bytes that do not compress. */
export function noise(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** Rounded down, before 1970 too. */
function microseconds(ns: bigint): string {
  return String(BigInt.asIntN(64, (ns - (((ns % 1000n) + 1000n) % 1000n)) / 1000n))
}
