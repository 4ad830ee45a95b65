/** The shard protocol's verbs under mutated requests: refused with a code or served, never more. */
import type { Test } from 'tap'
import { putHead, putShard, SHARD_PROTOCOL } from '../../src/node/protocols/index.ts'
import { SHARD_BYTES } from '../../src/shard/index.ts'
import { headOf, putOf, sampleShard, testHost } from '../node/storage-fixture.ts'
import { Corpus, type Verb } from './corpus.ts'
import { fuzz } from './protocol-fuzz.ts'

export async function fuzzVerb(t: Test, verb: Verb): Promise<void> {
  // Room for three shards of four, two of them there: some puts find theirs stored, some store it, some find no room.
  const host = await testHost(t, { host: { offerBytes: 3.5 * SHARD_BYTES } })
  const corpus = new Corpus(host.peer)
  const { device } = corpus
  for (const name of ['fuzz 0', 'fuzz 1']) {
    await putShard(host.call(device.peer), device, putOf(device, sampleShard(name)))
  }
  await putHead(host.call(device.peer), device, headOf(device, { body: 'first' }))
  await fuzz(t, host, {
    name: verb,
    protocol: SHARD_PROTOCOL,
    peer: device.peer,
    sample: (random) => corpus.sample(verb, random),
    resigned: (message, random) => corpus.resigned(message, random),
  })
  const shards = host.store.vault(device.vault)?.shards ?? 0
  t.ok(shards === 2 || shards === 3, `nothing was lost and the offer never exceeded: ${String(shards)} shards`)
}
