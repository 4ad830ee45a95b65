import t from 'tap'
import type { Stream } from '@libp2p/interface'
import { KiB, MiB } from '../../src/base/bytes.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { Libp2pWire } from '../../src/node/stream-adapter.ts'
import type { WireStream } from '../../src/node/protocols/index.ts'
import type { Stoppable } from './circle.ts'
import { bareNode, ports, until } from './swarm.ts'

const PROTOCOL = '/test/1'
const signal = AbortSignal.timeout(30_000)

/** A stream between two nodes, both ends as wires, and the far libp2p stream below. */
async function pair(
  t: Stoppable,
  idleMs = 10_000,
  ws = false,
): Promise<{ near: WireStream; far: Libp2pWire; below: Stream; nearBelow: Stream }> {
  const listen = ws ? ['/ip4/127.0.0.1/tcp/0/ws'] : undefined
  const server = await bareNode(t, listen === undefined ? {} : { listen })
  const client = await bareNode(t, { bootstrap: [server.address] })
  const arrived = Promise.withResolvers<Stream>()
  await server.libp2p.handle(PROTOCOL, (stream) => {
    arrived.resolve(stream)
  })
  const nearBelow = await client.libp2p.dialProtocol(server.libp2p.getMultiaddrs(), PROTOCOL)
  const below = await arrived.promise
  const wire = (stream: Stream): Libp2pWire => new Libp2pWire(stream, { idleMs, peer: 'the other' }, ports.clock)
  return { near: wire(nearBelow), far: wire(below), below, nearBelow }
}

async function readAll(stream: WireStream): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let part = await stream.read(signal); part !== undefined; part = await stream.read(signal)) parts.push(part)
  return Buffer.concat(parts)
}

for (const ws of [false, true]) {
  void t.test(`bytes arrive complete and in order over ${ws ? 'WebSocket' : 'TCP'}`, async (t) => {
    const { near, far } = await pair(t, 10_000, ws)
    const body = ports.random.bytes(3 * MiB)
    const reading = readAll(far)
    for (let at = 0; at < body.length; at += 64 * KiB) await near.write(body.subarray(at, at + 64 * KiB), signal)
    await near.close()
    t.same(sha256(await reading), sha256(body))
    await far.write(Uint8Array.of(7), signal)
    await far.close()
    t.same(await readAll(near), Buffer.of(7), 'the other direction still works after one side ended')
  })
}

void t.test('a reader that does not read stalls the writer, and little is held in memory', async (t) => {
  const { near, far, below } = await pair(t)
  const piece = new Uint8Array(64 * KiB)
  let written = 0
  const writing = (async () => {
    for (let i = 0; i < 256; i++) {
      await near.write(piece, signal)
      written += piece.length
    }
    await near.close()
  })()
  const first = await far.read(signal)
  t.ok(first)
  let before = -1
  await until(() => {
    const same = before === written
    before = written
    return same && written > 0
  })
  t.ok(written < 4 * MiB, `${written} of 16 MiB went out`)
  t.ok(below.readBufferLength <= MiB)
  const rest = await readAll(far)
  await writing
  t.equal(rest.length + (first?.length ?? 0), 16 * MiB)
})

void t.test('a side that moves no byte is timed out, reading and writing', async (t) => {
  const { near } = await pair(t, 150)
  await t.rejects(near.read(signal), { code: 'NETWORK_TIMEOUT' })
  await t.rejects(near.read(signal), { code: 'NETWORK_TIMEOUT' }, 'and stays so')
  const other = await pair(t, 150)
  await t.rejects(
    (async () => {
      for (let i = 0; i < 64; i++) await other.near.write(new Uint8Array(256 * KiB), signal)
    })(),
    { code: 'NETWORK_TIMEOUT' },
  )
})

void t.test('the caller that gives up gets its own reason, the other side a reset', async (t) => {
  const { near, far } = await pair(t)
  const impatient = new AbortController()
  const reading = near.read(impatient.signal)
  impatient.abort(new Error('enough'))
  await t.rejects(reading, { message: 'enough' })
  await t.rejects(far.read(signal), { code: 'NETWORK_UNREACHABLE' })
  await t.rejects(far.write(Uint8Array.of(1), signal), { code: 'NETWORK_UNREACHABLE' })
})

void t.test('what arrived before a reset can still be read', async (t) => {
  const { near, far, below } = await pair(t)
  await near.write(Uint8Array.of(1, 2, 3), signal)
  await until(() => below.readBufferLength === 0)
  near.abort(new Error('gone'))
  near.abort(new Error('twice'))
  const got: number[] = []
  await t.rejects(
    (async () => {
      for (let i = 0; i < 10; i++) got.push(...((await far.read(signal)) ?? []))
    })(),
    { code: 'NETWORK_UNREACHABLE' },
  )
  t.ok(got.length === 0 || got.length === 3)
})

void t.test('an already aborted signal does nothing', async (t) => {
  const { near } = await pair(t)
  await t.rejects(near.read(AbortSignal.abort()))
  await t.rejects(near.write(Uint8Array.of(1), AbortSignal.abort()))
})

void t.test('what comes after the end of an exchange is not kept', async (t) => {
  const { near, far, below } = await pair(t)
  const writing = (async () => {
    for (let i = 0; i < 64; i++) await near.write(new Uint8Array(64 * KiB), signal)
  })().catch(() => undefined)
  await far.read(signal)
  await until(() => below.readBufferLength > 0)
  await far.close()
  far.discard()
  t.equal(below.readBufferLength, 0)
  t.equal(await far.read(signal), undefined)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(below.readBufferLength, 0, 'nor does it come back')
  near.abort(new Error('enough'))
  await writing
})
