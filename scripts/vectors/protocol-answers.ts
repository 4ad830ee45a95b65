/** Vectors of docs/spec/05-storage-protocol.md § Messages, § Refusals: what a host answers. */
import { seed, stream } from './make.ts'
import { hex, open } from './open.ts'
import { toJson, type Json, type Vector } from './vector.ts'

type Fields = Readonly<Record<string, unknown>>

/** By what is answered. */
const answers: readonly (readonly [string, Fields])[] = [
  ['put', { go: true }],
  ['put', { go: false, receipt: stream('receipt', 200) }],
  ['stored', { receipt: stream('receipt', 200) }],
  ['get', { bytes: 1_048_576 }],
  [
    'has',
    {
      shards: [
        { state: 'held', leaseUntil: 1_775_000_000_000, effectiveAt: null },
        { state: 'released', leaseUntil: 1_775_000_000_000, effectiveAt: 1_768_000_000_000 },
        { state: 'missing', leaseUntil: null, effectiveAt: null },
      ],
    },
  ],
  ['release', { effectiveAt: [1_768_000_000_000, null] }],
  ['restore-released', { kept: [true, false] }],
  ['renew', { matched: true, count: 2, root: seed('root'), until: 1_775_000_000_000 }],
  ['renew', { matched: false, count: 3, root: seed('root'), until: null }],
  ['put-head', { go: true }],
  ['put-head', { go: false }],
  ['head-stored', { stored: true }],
  ['get-head', { heads: 2, termsBytes: 300 }],
  [
    'one-head',
    { notice: stream('notice', 300), authorityBytes: 900, sealedBytes: 4096, storedAt: 1_767_225_600_000, forks: [] },
  ],
  ['offer', { offer: stream('offer', 400) }],
  ['join', { certificate: stream('certificate', 300), name: 'alice', addresses: [] }],
]

const refused: readonly (readonly [string, string, Fields, string])[] = [
  ['put', 'neither go nor stop', { go: null }, 'true or false'],
  ['put', 'without receipt', { go: false }, 'a shard that is there has one'],
  ['put', 'with receipt and go', { go: true, receipt: stream('receipt', 200) }, 'fields are exact'],
  ['get', 'of another length', { bytes: 1_048_575 }, 'a shard is 1,048,576 bytes'],
  ['has', 'with unknown state', { shards: [{ state: 'lost', leaseUntil: null, effectiveAt: null }] }, 'three states'],
  ['has', 'with extra field', { shards: [], extra: 0 }, 'fields are exact'],
  ['renew', 'with short root', { matched: true, count: 2, root: new Uint8Array(31), until: 1 }, 'roots are 32 bytes'],
  ['head-stored', 'not stored', { stored: false }, 'else it is a refusal'],
  ['get-head', 'of 65 heads', { heads: 65, termsBytes: 0 }, 'at most 64'],
  ['get-head', 'with terms over 16 KiB', { heads: 1, termsBytes: 16_385 }, 'bounded'],
  ['stored', 'with ok as text', { ok: 'true', receipt: stream('receipt', 200) }, 'ok is true or false'],
]

export function answerVectors(): Vector[] {
  const good = answers.map(([answer, fields], i) => {
    return vector(`${answer} ${i}`, answer, { ...fields, ok: true }, toJson({ ...fields, ok: true }))
  })
  const bad = refused.map(([answer, name, fields, why]) => ({
    ...vector(`${answer} ${name}`, answer, { ok: true, ...fields }, { error: 'VALIDATION_DECODE' }),
    why,
  }))
  return [...good, ...bad, ...refusals()]
}

function refusals(): Vector[] {
  const refusal = { ok: false, code: 'STORAGE_QUOTA_EXCEEDED', details: { reason: 'offer', freeBytes: 4096 } }
  const bad = (name: string, change: Fields, why: string): Vector => ({
    ...vector(`refusal ${name}`, 'put', { ...refusal, ...change }, { error: 'VALIDATION_DECODE' }),
    why,
  })
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`d${i}`, i]))
  return [
    vector('refusal', 'put', refusal, { refused: refusal.code, details: refusal.details }),
    vector('refusal without details', 'get', { ...refusal, details: {} }, { refused: refusal.code, details: {} }),
    bad('with long code', { code: 'A'.repeat(65) }, 'at most 64 bytes'),
    bad('with nine details', { details: many }, 'at most 8'),
    bad('with long name of a detail', { details: { ['d'.repeat(33)]: 1 } }, 'at most 32 bytes'),
    bad('with nested details', { details: { list: [] } }, 'integers and text only'),
    bad('with extra field', { message: 'text' }, 'no sentence ever crosses'),
  ]
}

function vector(name: string, answer: string, ...[value, expect]: [Fields, Json]): Vector {
  const input = { kind: 'answer', answer, cbor: hex(open.encode(value)) }
  return { name: `answer ${name}`, spec: '05§Messages', input, expect, why: 'every field has its type' }
}
