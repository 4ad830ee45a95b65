/** The shard protocol from the owner's side: one function per verb. Spec: docs/spec/05-storage-protocol.md § Verbs */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { encode } from '../../crypto/codec.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { signEnvelope, type SigningKey } from '../../crypto/signature.ts'
import { type Receipt, SHARD_BYTES, type ShardId, verifyShard } from '../../shard/index.ts'
import { type Call, converse, type Credentials } from './call.ts'
import type { Answer } from './messages.ts'
import { MAX_IDS, MESSAGE_VERSION } from './options.ts'
import { openReceipt } from './receipt.ts'

/** The device that asks, for verbs that carry a signed order. */
export interface Owner extends Credentials {
  readonly vault: VaultId
  readonly sign: SigningKey
}

export interface ShardPut {
  readonly shardId: ShardId
  /** Envelope, domain `manifest`, signed by this device. */
  readonly manifest: Uint8Array
  readonly index: number
  readonly stamp?: Uint8Array
  /** The sealed bytes; asked for only when the host wants them. */
  read(): Promise<Uint8Array>
}

/** Stores a shard, or finds it stored; resolves to the host's checked receipt. */
export function putShard(call: Call, owner: Omit<Owner, 'sign'>, put: ShardPut): Promise<Receipt> {
  const { shardId, manifest, index, stamp } = put
  return converse(call, 'transferMs', async (conversation) => {
    await conversation.ask(owner, { verb: 'put', shardId, manifest, index, stamp: stamp ?? null })
    const ready = await conversation.answer('put')
    if (ready.go) await conversation.body(await put.read())
    const receipt = ready.go ? (await conversation.answer('stored')).receipt : ready.receipt
    return conversation.verify(() => openReceipt(receipt, { host: call.host, vault: owner.vault, shardId }))
  })
}

/** A shard's bytes, checked against its id. Throws `STORAGE_SHARD_NOT_FOUND`, `STORAGE_SHARD_CORRUPT` naming the host. */
export function getShard(call: Call, credentials: Credentials, shardId: ShardId): Promise<Uint8Array> {
  return converse(call, 'transferMs', async (conversation) => {
    await conversation.ask(credentials, { verb: 'get', shardId })
    await conversation.answer('get')
    const bytes = await conversation.receive(SHARD_BYTES)
    if (!verifyShard(bytes, shardId)) {
      throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: toHex(shardId), peer: call.host })
    }
    return bytes
  })
}

export type ShardPresence = Answer<'has'>['shards'][number]

/** What the host has of these, in their order; at most `MAX_IDS`. */
export function hasShards(
  call: Call,
  credentials: Credentials,
  shardIds: readonly ShardId[],
): Promise<readonly ShardPresence[]> {
  return converse(call, 'answerMs', async (conversation) => {
    await conversation.ask(credentials, { verb: 'has', shardIds: checkCount(shardIds) })
    const { shards } = await conversation.answer('has')
    if (shards.length !== shardIds.length) throw conversation.broken('an answer for another number of shards')
    return shards
  })
}

/** When each release takes effect (ms); null for shards that are not there. At most `MAX_IDS`. */
export function releaseShards(
  call: Call,
  owner: Owner,
  shardIds: readonly ShardId[],
): Promise<readonly (number | null)[]> {
  return converse(call, 'answerMs', async (conversation) => {
    await conversation.ask(owner, { verb: 'release', order: orderFor(call, owner, { verb: 'release', shardIds }) })
    const { effectiveAt } = await conversation.answer('release')
    if (effectiveAt.length !== shardIds.length) throw conversation.broken('an answer for another number of shards')
    return effectiveAt
  })
}

/** Undoes releases that wait; true for each shard that stays. */
export function restoreReleased(call: Call, owner: Owner, shardIds: readonly ShardId[]): Promise<readonly boolean[]> {
  const verb = 'restore-released'
  return converse(call, 'answerMs', async (conversation) => {
    await conversation.ask(owner, { verb, order: orderFor(call, owner, { verb, shardIds }) })
    const { kept } = await conversation.answer(verb)
    if (kept.length !== shardIds.length) throw conversation.broken('an answer for another number of shards')
    return kept
  })
}

export interface Renewing {
  readonly upTo: number
  readonly count: number
  /** RFC 6962 root over the sorted ids with numbers ≤ `upTo` and this prefix. */
  readonly root: Uint8Array
  /** 0 to 2 bytes; default none, which means all shards. */
  readonly prefix?: Uint8Array
}

/** Renews leases if the host has the same shards; else says what it has. */
export function renewLeases(call: Call, owner: Owner, renewing: Renewing): Promise<Omit<Answer<'renew'>, 'ok'>> {
  return converse(call, 'transferMs', async (conversation) => {
    const { upTo, count, root, prefix = new Uint8Array(0) } = renewing
    const content = { ...partiesOf(call, owner), prefix, upTo, count, root }
    await conversation.ask(owner, { verb: 'renew', order: signEnvelope(owner.sign, 'renew', encode(content)) })
    return conversation.answer('renew')
  })
}

function orderFor(
  call: Call,
  owner: Owner,
  order: { verb: 'release' | 'restore-released'; shardIds: readonly ShardId[] },
): Uint8Array {
  const content = { ...partiesOf(call, owner), verb: order.verb, shardIds: checkCount(order.shardIds) }
  return signEnvelope(owner.sign, 'release', encode(content))
}

function partiesOf(call: Call, owner: Owner) {
  return { v: MESSAGE_VERSION, vault: owner.vault, host: call.host, time: call.clock.now() }
}

function checkCount(ids: readonly ShardId[]): readonly ShardId[] {
  if (ids.length === 0 || ids.length > MAX_IDS) {
    throw new PlexiError('VALIDATION_LIMIT', { what: 'shard ids in one request', limit: MAX_IDS })
  }
  return ids
}
