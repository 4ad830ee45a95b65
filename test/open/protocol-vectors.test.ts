/** src/node/protocols against the vectors of docs/spec/05-storage-protocol.md, made without it. */
import { equal } from '../../src/base/bytes.ts'
import { vaultId, type PeerKey } from '../../src/crypto/ids.ts'
import { openReleaseOrder, openRenewOrder } from '../../src/node/protocols/handlers/orders.ts'
import {
  decodeAnswer,
  decodeRequest,
  decodeShardRequest,
  encodeMessage,
  joinRequest,
  offerRequest,
  type AnswerKind,
} from '../../src/node/protocols/messages.ts'
import { openReceipt } from '../../src/node/protocols/receipt.ts'
import { encodeFrame, WireReader, type WireStream } from '../../src/node/protocols/wire.ts'
import { shardId } from '../../src/shard/index.ts'
import { hex, testVectors, toJson, type Input, type Json } from '../support/vectors.ts'

const never = new AbortController().signal

testVectors('05-storage-protocol', {
  frame,
  request(input) {
    const request = decodeShardRequest(input.bytes('cbor'))
    return same(request, input)
  },
  answer(input) {
    const decoded = decodeAnswer(input.text('answer') as AnswerKind, input.bytes('cbor'))
    if ('refused' in decoded) return { refused: decoded.refused.code, details: { ...decoded.refused.details } }
    return same(decoded.answer, input)
  },
  receipt(input) {
    const host = input.text('host') as PeerKey
    const expected = { host, vault: vaultId(input.bytes('vault')), shardId: shardId(input.bytes('shardId')) }
    const { number, bytes, time } = openReceipt(input.bytes('bytes'), expected)
    return { number, bytes, time }
  },
  order,
  offer: (input) => same(decodeRequest(offerRequest, input.bytes('cbor'), 'offer request'), input),
  join: (input) => same(decodeRequest(joinRequest, input.bytes('cbor'), 'join request'), input),
})

async function frame(input: Input): Promise<Json> {
  const bytes = input.bytes('bytes')
  // One byte at a time: however a stream is cut, frames are the same.
  const pieces = [...bytes].map((byte) => Uint8Array.of(byte))
  const stream: WireStream = {
    read: async () => pieces.shift(),
    write: async () => {},
    abort: () => {},
    close: async () => {},
  }
  const reader = new WireReader(stream, 'peer')
  const payload = await reader.frame({ what: 'vector', maxBytes: input.number('limit') }, never)
  if (!equal(encodeFrame(payload), bytes.subarray(0, reader.consumedBytes))) return 'encodes to something else'
  return { payload: hex(payload), rest: hex(bytes.subarray(reader.consumedBytes)) }
}

function order(input: Input): Json {
  const vault = vaultId(input.bytes('vault'))
  const parties = { vault, device: input.text('device') as PeerKey, host: input.text('host') as PeerKey }
  const verb = input.text('verb')
  if (verb === 'release' || verb === 'restore-released') {
    const { shardIds, time } = openReleaseOrder({ verb, order: input.bytes('bytes') }, parties)
    return { shardIds: shardIds.map((id) => hex(id)), time }
  }
  const { prefix, upTo, count, root, time } = openRenewOrder(input.bytes('bytes'), parties)
  return { prefix: hex(prefix), upTo, count, root: hex(root), time }
}

function same(message: object, input: Input): Json {
  return equal(encodeMessage(message), input.bytes('cbor')) ? toJson(message) : 'encodes to something else'
}
