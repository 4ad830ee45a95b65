/**
 * Runs mutated requests against a real handler and keeps the books: how far each one came, what it cost the heap, how
 * long it held up the event loop.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Test } from 'tap'
import { decode, encode, type Plain } from '../../src/crypto/codec.ts'
import { wireCodes } from '../../src/node/protocols/errors.ts'
import type { StorageProtocol } from '../../src/node/protocols/index.ts'
import { MAX_REQUEST_BYTES } from '../../src/node/protocols/options.ts'
import { encodeFrame, WireReader } from '../../src/node/protocols/wire.ts'
import { type MemoryWire, memoryWirePair } from '../node/memory-wire.ts'
import type { TestHost } from '../node/storage-fixture.ts'
import type { PeerKey } from '../../src/crypto/ids.ts'
import type { Message, Sample } from './corpus.ts'
import { Mutator } from './mutate.ts'

/** Messages for each handler: bounded in everyday runs, `PLEXI_FUZZ=100000` for the full figure. */
export const CASES = Number(process.env['PLEXI_FUZZ'] ?? '') || 2_000
export const SEED = Number(process.env['PLEXI_FUZZ_SEED'] ?? '') || 20_260_101
export const FULL = CASES > 10_000

const MAX_STALL_MS = 50
const MAX_HEAP_GROWTH_BYTES = 64 * 2 ** 20
const never = new AbortController().signal

export interface Target {
  readonly name: string
  readonly protocol: StorageProtocol
  readonly peer: PeerKey
  sample(random: Mutator): Sample
  /** The same message with something changed under a signature that verifies. */
  resigned?(message: Message, random: Mutator): Message
}

interface Outcome {
  readonly framed: boolean
  /** Code of the refusal with what it was about, or `accepted`. */
  readonly stage: string
  readonly code: string | undefined
}

export async function fuzz(t: Test, host: TestHost, target: Target): Promise<void> {
  const stages = new Map<string, number>()
  let framed = 0
  // Warm code and caches are not growth.
  for (let i = 0; i < 200; i++) await runCase(host, target, SEED - 1 - i)
  const heapBefore = settledHeap()
  const stalls = new SlowCases()
  for (let i = 0; i < CASES; i++) {
    stalls.begin()
    const outcome = await runCase(host, target, SEED + i)
    // Streams in memory never leave the microtasks by themselves, and what is only weakly held stays until they end.
    if (i % 64 === 0) await nextTurn()
    stalls.end(SEED + i)
    if (outcome.framed) framed++
    stages.set(outcome.stage, (stages.get(outcome.stage) ?? 0) + 1)
    if (outcome.code === 'SYSTEM_UNEXPECTED' || (outcome.code !== undefined && !wireCodes.has(outcome.code))) {
      t.fail(`case ${String(SEED + i)} of ${target.name} ended with ${outcome.code}`)
    }
  }
  await nextTurn()
  const growth = settledHeap() - heapBefore
  const stallMs = await stalls.worst((seed) => runCase(host, target, seed))
  t.comment(histogram(target.name, stages, { framed, growth, stallMs }))
  t.ok(framed >= 0.3 * CASES, `${target.name}: ${String(framed)} of ${String(CASES)} pass the frame decoder`)
  t.ok(growth <= MAX_HEAP_GROWTH_BYTES, `${target.name}: the heap grew by ${String(growth)} bytes`)
  t.ok(stallMs <= MAX_STALL_MS, `${target.name}: the event loop stalled for ${stallMs.toFixed(1)} ms`)
  t.equal(host.store.usage().reservedBytes, 0, `${target.name}: no room is left reserved`)
}

/** One exchange from one seed: everything that is sent follows from it. */
async function runCase(host: TestHost, target: Target, seed: number): Promise<Outcome> {
  const random = new Mutator(seed)
  const sample = target.sample(random)
  const sent = streamOf(sample, target, random)
  const { client, server } = memoryWirePair()
  const served = host.handlers[target.protocol](server, { peer: target.peer, address: '/ip4/192.0.2.1/tcp/1' })
  const sending = send(client, sent, random)
  const [stage] = await Promise.all([lastStage(client), served])
  client.abort(new Error('done'))
  await sending
  return { framed: await passesFrame(sent), ...stage }
}

function streamOf(sample: Sample, target: Target, random: Mutator): Uint8Array {
  const parts = [requestBytes(sample.message, target, random)]
  if (sample.terms !== undefined) {
    const terms = random.chance(20) ? random.bytes(sample.terms) : sample.terms
    parts.push(random.chance(95) ? encodeFrame(terms.length > 0 ? terms : sample.terms) : random.frame(terms))
  }
  // A whole body now and then; mostly the stream ends early, or says something else.
  if (sample.body !== undefined && sample.body.length < 65_536) {
    parts.push(random.chance(70) ? sample.body : random.bytes(sample.body))
  } else if (sample.body !== undefined) {
    parts.push(random.chance(3) ? sample.body : sample.body.subarray(0, random.below(5_000)))
  }
  return Buffer.concat(parts)
}

function requestBytes(message: Message, target: Target, random: Mutator): Uint8Array {
  const kind = random.below(100)
  if (kind < 12) return encodeFrame(encode(message))
  if (kind < 30 && target.resigned !== undefined) return encodeFrame(encode(target.resigned(message, random)))
  if (kind < 70) return encodeFrame(random.mutated(message))
  if (kind < 85) {
    const bytes = random.bytes(encode(message))
    return encodeFrame(bytes.length === 0 ? Uint8Array.of(0xa0) : bytes)
  }
  return random.frame(encode(message))
}

async function send(client: MemoryWire, bytes: Uint8Array, random: Mutator): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) {
      const piece = random.chance(50) ? bytes.length : 1 + random.below(bytes.length)
      await client.write(bytes.subarray(at, at + piece), never)
      at += piece
    }
    await client.close()
  } catch {
    // The host has heard enough.
  }
}

/** Reads whatever the host answered: the last frame says how far the request came. */
async function lastStage(client: MemoryWire): Promise<{ stage: string; code: string | undefined }> {
  const reader = new WireReader(client, 'host')
  let stage = 'no answer'
  try {
    for (;;) {
      const frame = await reader.frame({ what: 'answer', maxBytes: 2 ** 20 }, never)
      const answer = decode(frame, { what: 'answer', maxBytes: 2 ** 20 }) as Record<string, Plain>
      if (answer['ok'] === false) return refusal(answer)
      stage = 'accepted'
      // Bodies follow; they are not frames.
      if ('bytes' in answer || 'heads' in answer) {
        while ((await client.read(never)) !== undefined);
        return { stage, code: undefined }
      }
    }
  } catch {
    return { stage, code: undefined }
  }
}

function refusal(answer: Record<string, Plain>): { stage: string; code: string } {
  const code = typeof answer['code'] === 'string' ? answer['code'] : 'no code'
  const about = (answer['details'] as Record<string, Plain>)['what']
  return { stage: typeof about === 'string' ? `${code} (${about})` : code, code }
}

async function passesFrame(sent: Uint8Array): Promise<boolean> {
  const { client, server } = memoryWirePair()
  void client.write(sent.subarray(0, MAX_REQUEST_BYTES + 4), never).catch(() => undefined)
  await client.close()
  try {
    await new WireReader(server, 'peer').frame({ what: 'request', maxBytes: MAX_REQUEST_BYTES }, never)
    return true
  } catch {
    return false
  }
}

/**
 * Cases that could have held the event loop: one that is over in less than the bound cannot have. The others may have
 * waited for the disk or for a busy machine, so only repeats under a monitor tell.
 */
class SlowCases {
  readonly #slow: { seed: number; ms: number }[] = []
  #began = 0

  begin(): void {
    this.#began = performance.now()
  }

  end(seed: number): void {
    const ms = performance.now() - this.#began
    if (ms < MAX_STALL_MS) return
    this.#slow.push({ seed, ms })
    this.#slow.sort((a, b) => b.ms - a.ms)
    this.#slow.length = Math.min(this.#slow.length, 5)
  }

  /** The longest stall among the slowest cases, each at its best of three repeats, ms; 0 when no case was slow. */
  async worst(repeat: (seed: number) => Promise<unknown>): Promise<number> {
    let worst = 0
    for (const { seed } of this.#slow) {
      let best = Infinity
      for (let i = 0; i < 3; i++) best = Math.min(best, await stallOf(() => repeat(seed)))
      worst = Math.max(worst, best)
    }
    return worst
  }
}

async function stallOf(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await wait(5)
  delay.reset()
  await work()
  // The monitor counts a turn when it ends.
  await wait(5)
  delay.disable()
  return Number.isFinite(delay.max) ? delay.max / 1e6 : 0
}

function settledHeap(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function histogram(
  name: string,
  stages: ReadonlyMap<string, number>,
  figures: { framed: number; growth: number; stallMs: number },
): string {
  const rows = [...stages]
    .toSorted((a, b) => b[1] - a[1])
    .map(([stage, count]) => `${String(count).padStart(8)}  ${stage}`)
  const { framed, growth, stallMs } = figures
  const head = `${name}: ${String(CASES)} messages, ${String(framed)} past the frame decoder, heap ${String(growth)} bytes, stall ${stallMs.toFixed(1)} ms`
  return [head, ...rows].join('\n')
}
