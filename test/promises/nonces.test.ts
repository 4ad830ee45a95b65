/** Promise: a (key, nonce) pair never seals twice, over many seals with crashes between. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { seededRandom } from '../support/seeded-random.ts'

const child = join(import.meta.dirname, 'seal-child.ts')
const RECORD = 16
const long = process.env['PLEXICHAT_TEST_LONG'] !== undefined
const SEALS = long ? 10_000_000 : 60_000
const CRASHES = long ? 100 : 2

t.test(`${SEALS.toLocaleString('en')} seals, ${String(CRASHES)} crashes`, async (t) => {
  const { seen, crashes } = await sealsOf({ seals: SEALS, crashes: CRASHES, args: [] })
  t.ok(seen.length >= SEALS, `${String(seen.length)} pairs seen`)
  t.ok(crashes >= CRASHES)
  t.equal(repeated(seen), 0)
})

t.test('the instrument sees a repetition: a machine whose randomness starts again after a crash', async (t) => {
  const { seen } = await sealsOf({ seals: 4_000, crashes: 2, args: ['the same'] })
  t.ok(repeated(seen) > 0)
})

interface Run {
  readonly seals: number
  readonly crashes: number
  readonly args: readonly string[]
}

/** Digests of all pairs, from as many processes one after the other as there are crashes, each killed at some moment. */
async function sealsOf({ seals, crashes, args }: Run): Promise<{ seen: BigUint64Array; crashes: number }> {
  const random = seededRandom('when to crash')
  const perLife = Math.ceil(seals / crashes)
  const all: Buffer[] = []
  let total = 0
  let killed = 0
  while (total < seals * RECORD || killed < crashes) {
    const bytes = await oneLife([child, ...args], (perLife / 2 + random.below(perLife)) * RECORD)
    all.push(bytes)
    total += bytes.length
    killed++
  }
  return { seen: digests(all), crashes: killed }
}

async function oneLife(args: readonly string[], wanted: number): Promise<Buffer> {
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const parts: Buffer[] = []
  let length = 0
  process_.stdout.on('data', (part: Buffer) => {
    parts.push(part)
    length += part.length
    if (length >= wanted) process_.kill('SIGKILL')
  })
  const [, signal] = (await once(process_, 'close')) as [number | null, string | null]
  if (signal !== 'SIGKILL') throw new Error('the child ended by itself')
  return Buffer.concat(parts).subarray(0, length - (length % RECORD))
}

/** 64 bits of each: two of 10⁷ different ones are alike with a probability of 3·10⁻⁶. */
function digests(all: readonly Buffer[]): BigUint64Array {
  const seen = new BigUint64Array(all.reduce((sum, part) => sum + part.length / RECORD, 0))
  let at = 0
  for (const part of all) for (let i = 0; i < part.length; i += RECORD) seen[at++] = part.readBigUInt64LE(i)
  return seen
}

function repeated(seen: BigUint64Array): number {
  const sorted = seen.toSorted()
  let count = 0
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) count++
  return count
}
