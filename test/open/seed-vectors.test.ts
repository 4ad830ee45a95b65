/** src/shard/seed.ts against the vectors of docs/spec/07-seed.md, made without it. */
import type { PeerKey } from '../../src/crypto/ids.ts'
import { openSeed, openSeedPage } from '../../src/shard/index.ts'
import { hex, testVectors, toJson } from '../support/vectors.ts'

testVectors('07-seed', {
  seed: (input) => toJson(openSeed(input.bytes('bytes'))),
  page: (input) =>
    openSeedPage(input.bytes('bytes'), input.text('device') as PeerKey).map(({ shardId }) => hex(shardId)),
})
