/** Valid and nearly valid requests of every verb: what the mutator starts from. */
import { envelopePayload, signEnvelope, type SignDomain } from '../../src/crypto/signature.ts'
import { decode, encode, type Plain } from '../../src/crypto/codec.ts'
import { DAY } from '../../src/base/clock.ts'
import { restHashOf } from '../../src/node/host/index.ts'
import type { HeadPut, ShardPut } from '../../src/node/protocols/index.ts'
import type { ShardId } from '../../src/shard/index.ts'
import { ADDRESS, headOf, putOf, sampleShard, START, type TestDevice, TestVault } from '../node/storage-fixture.ts'
import type { Mutator } from './mutate.ts'

export type Message = { readonly [key: string]: Plain }

/** A request with what follows it on the stream. */
export interface Sample {
  readonly message: Message
  readonly terms?: Uint8Array
  readonly body?: Uint8Array
}

export const verbs = ['put', 'get', 'has', 'release', 'restore-released', 'renew', 'put-head', 'get-head'] as const
export type Verb = (typeof verbs)[number]

export class Corpus {
  readonly vault = new TestVault()
  /** Who is at the other end of every stream. */
  readonly device: TestDevice = this.vault.device()
  readonly #shards = [0, 1, 2, 3].map((i) => sampleShard(`fuzz ${String(i)}`))
  readonly #puts = this.#shards.map((shard) => putOf(this.device, shard))
  readonly #certificates: readonly Uint8Array[]
  readonly #terms: readonly Uint8Array[]
  readonly #heads: HeadPut[] = []
  readonly #host: string
  #seq = 1

  constructor(host: string) {
    this.#host = host
    const stranger = new TestVault().device()
    const valid = this.device.certificate
    this.#certificates = [
      ...Array.from({ length: 8 }, () => valid),
      stranger.certificate,
      this.vault.device().certificate,
      this.vault.device(undefined, START - DAY).certificate,
    ]
    this.#terms = [this.device.terms, this.vault.terms(), new TestVault().terms(), this.vault.terms({ floorDays: 30 })]
  }

  shard(random: Mutator): ShardId {
    return random.chance(90) ? random.pick(this.#shards).id : (random.randomBytes(32) as ShardId)
  }

  sample(verb: Verb, random: Mutator): Sample {
    const terms = random.chance(20) ? random.pick(this.#terms) : undefined
    const caller = { v: 1, verb, certificate: random.pick(this.#certificates), terms: terms !== undefined }
    const { fields, body } = this.#fields(verb, random)
    const message = { ...caller, ...fields }
    return { message, ...(terms === undefined ? {} : { terms }), ...(body === undefined ? {} : { body }) }
  }

  /** Something inside a signature changed, and signed again by the right key. */
  resigned(message: Message, random: Mutator): Message {
    const field = ['order', 'manifest', 'notice', 'certificate'].find((name) => message[name] instanceof Uint8Array)
    const verb = message['verb']
    if (field === undefined || !(message[field] instanceof Uint8Array)) return message
    const domains: Record<string, SignDomain> = {
      manifest: 'manifest',
      notice: 'head-notice',
      certificate: 'certificate',
    }
    const domain = domains[field] ?? (verb === 'renew' ? 'renew' : 'release')
    const key = field === 'certificate' ? this.vault.key : this.device.sign
    const limits = { what: 'sample', maxBytes: 8_192 }
    const content = decode(envelopePayload(message[field], limits), limits)
    return { ...message, [field]: signEnvelope(key, domain, random.mutated(content)) }
  }

  #fields(verb: Verb, random: Mutator): { fields: Message; body?: Uint8Array } {
    switch (verb) {
      case 'put': {
        const at = random.below(this.#puts.length)
        const { manifest, index, shardId } = this.#puts[at] as ShardPut
        const bytes = (this.#shards[at] as { bytes: Uint8Array }).bytes
        return { fields: { shardId, manifest, index, stamp: null }, body: bytes }
      }
      case 'get':
        return { fields: { shardId: this.shard(random) } }
      case 'has':
        return { fields: { shardIds: this.#ids(random) } }
      case 'release':
      case 'restore-released':
        return { fields: { order: this.#order('release', { verb, shardIds: this.#ids(random) }) } }
      case 'renew': {
        const prefix = random.randomBytes(random.below(3))
        return { fields: { order: this.#order('renew', { prefix, upTo: 10, count: 4, root: random.randomBytes(32) }) } }
      }
      case 'put-head':
        return this.#head(random)
      case 'get-head':
        return { fields: {} }
    }
  }

  #ids(random: Mutator): ShardId[] {
    return Array.from({ length: 1 + random.below(6) }, () => this.shard(random))
  }

  #order(domain: SignDomain, content: Message): Uint8Array {
    const parties = { v: 1, vault: this.device.vault, host: this.#host, time: START }
    return signEnvelope(this.device.sign, domain, encode({ ...parties, ...content }))
  }

  /** Heads of rising, equal and lower seq. */
  #head(random: Mutator): { fields: Message; body: Uint8Array } {
    if (this.#heads.length < 6 || random.chance(2)) {
      const head = headOf(this.device, { seq: this.#seq++, records: [random.randomBytes(64)] })
      this.#heads[this.#seq % 12] = head
    }
    const { bundle, records } = random.pick(this.#heads.filter(Boolean))
    const fields = {
      notice: bundle.notice,
      authorityBytes: bundle.authority.length,
      sealedBytes: bundle.sealed.length,
      restHash: restHashOf(bundle.authority, records),
      records: records.map((record) => record.length),
      stamp: null,
    }
    return { fields, body: Buffer.concat([bundle.authority, bundle.sealed, ...records]) }
  }
}

export function offerMessage(device: TestDevice, random: Mutator): Message {
  return { v: 1, verb: 'get', certificate: random.chance(80) ? device.certificate : null }
}

export function joinMessage(device: TestDevice, random: Mutator): Message {
  const { certificate } = device
  return { v: 1, verb: 'join', token: random.randomBytes(16), certificate, name: 'Ann', addresses: [ADDRESS] }
}

export function deviceMessage(random: Mutator): Message {
  const [code, proof, dh] = [random.randomBytes(8), random.randomBytes(32), random.randomBytes(32)]
  return { v: 1, verb: 'ask', code, proof, dh, name: 'NAS' }
}
