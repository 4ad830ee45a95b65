import fc from 'fast-check'
import t from 'tap'
import { encodeFrame, WireReader, writeBody, writeFrame } from '../../../src/node/protocols/wire.ts'
import { memoryWirePair } from '../memory-wire.ts'

const never = new AbortController().signal
const limit = { what: 'test', maxBytes: 1_000 }

/** A reader over these bytes, cut anywhere. */
async function readerOf(bytes: Uint8Array, cuts: readonly number[] = []): Promise<WireReader> {
  const { client, server } = memoryWirePair()
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  for (let i = 1; i < at.length; i++) await client.write(bytes.subarray(at[i - 1], at[i]), never)
  await client.close()
  return new WireReader(server, 'peer')
}

t.test('frames come back however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      async (payloads, cuts) => {
        const reader = await readerOf(Buffer.concat(payloads.map(encodeFrame)), cuts)
        for (const payload of payloads) {
          if (Buffer.compare(await reader.frame(limit, never), payload) !== 0) return false
        }
        return true
      },
    ),
    { numRuns: 200 },
  )
})

t.test('a length above the limit is refused before anything else is taken', async (t) => {
  const { client, server } = memoryWirePair()
  await client.write(Uint8Array.of(0xe9, 0x07), never)
  await client.write(Buffer.alloc(1_001), never)
  await t.rejects(new WireReader(server, 'peer').frame(limit, never), { code: 'VALIDATION_LIMIT' })
  t.equal(server.takenBytes, 2)
})

t.test('odd prefixes and short streams', async (t) => {
  const cases: [string, number[], string][] = [
    ['empty message', [0x00], 'VALIDATION_DECODE'],
    ['padded varint', [0x81, 0x00], 'VALIDATION_DECODE'],
    ['five byte varint', [0x81, 0x81, 0x81, 0x81, 0x01], 'VALIDATION_LIMIT'],
    ['end in the prefix', [0x81], 'NETWORK_PROTOCOL'],
    ['end in the payload', [0x03, 1, 2], 'NETWORK_PROTOCOL'],
    ['nothing at all', [], 'NETWORK_PROTOCOL'],
  ]
  for (const [name, bytes, code] of cases) {
    const reader = await readerOf(Uint8Array.from(bytes))
    await t.rejects(reader.frame(limit, never), { code }, name)
  }
})

t.test('what must be refused is not sent', async (t) => {
  const { client } = memoryWirePair()
  await t.rejects(writeFrame(client, { payload: Buffer.alloc(1_001), limit }, never), { code: 'VALIDATION_LIMIT' })
})

t.test('bodies are raw bytes after the frames', async (t) => {
  const { client, server } = memoryWirePair()
  const body = Buffer.alloc(200_000, 'body')
  await writeFrame(client, { payload: Buffer.from('hello'), limit }, never)
  await writeBody(client, body, never)
  const reader = new WireReader(server, 'peer')
  t.equal(Buffer.from(await reader.frame(limit, never)).toString(), 'hello')
  const into = new Uint8Array(body.length)
  const seen: number[] = []
  await reader.fill(into, never, (filled) => seen.push(filled))
  t.equal(Buffer.compare(into, body), 0)
  t.equal(seen.at(-1), body.length)
  t.equal(reader.consumedBytes, 6 + body.length)
})

t.test('waiting ends with the signal', async (t) => {
  const { server } = memoryWirePair()
  const stop = new AbortController()
  const waiting = new WireReader(server, 'peer').frame(limit, stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(waiting, { message: 'enough' })
})
