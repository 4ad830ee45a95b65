/**
 * put-head: a device leaves its newest head. Older and forked ones, older terms and revoked devices are refused on the
 * request alone; a fork's notice is kept as evidence. Spec: docs/spec/05-storage-protocol.md § put-head
 */
import { equal } from '../../../base/bytes.ts'
import { PlexiError } from '../../../base/errors.ts'
import { publicKeyOfPeer } from '../../../crypto/ids.ts'
import { restHashOf } from '../../host/index.ts'
import { HEAD_STEP_BYTES, type HeadNotice, openNotice, sealedHashOf } from '../../../shard/index.ts'
import { admit, authorise, type Caller } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ShardRequest } from '../messages.ts'
import type { HostContext } from './host-context.ts'

export async function handlePutHead(
  request: ShardRequest<'put-head'>,
  exchange: Exchange,
  context: HostContext,
): Promise<void> {
  const { store, admission } = context
  const caller = await authorise(exchange, { ...request, grant: 'head' }, context)
  const { vouched } = await admit(exchange, { vault: caller.vault, stamp: request.stamp }, admission)
  if (caller.olderTerms !== undefined)
    throw new PlexiError('SECURITY_ROLLBACK', { what: 'terms', ...caller.olderTerms })
  const notice = checkNotice(request, caller)
  if (await store.heads.check(notice, request)) {
    await exchange.answer('put-head', { ok: true, go: false })
    return
  }
  const bytes = request.authorityBytes + request.sealedBytes + request.records.reduce((sum, one) => sum + one, 0)
  const reservation = await store.reserve(caller.vault, vouched, bytes)
  try {
    if (caller.newTerms !== undefined) await store.terms.keep(caller.vault, caller.newTerms)
    await exchange.holding(bytes, () => receive(exchange, { request, notice, bytes }, context))
  } finally {
    reservation.release()
  }
}

/** The notice must be this device's own and fit the certificate it comes with. */
function checkNotice(request: ShardRequest<'put-head'>, { certificate, vault }: Caller): HeadNotice {
  const notice = openNotice(request.notice, publicKeyOfPeer(certificate.peer))
  if (!equal(notice.vault, vault) || notice.serial !== certificate.serial) {
    throw new PlexiError('VALIDATION_DECODE', { what: 'head notice', reason: 'another vault or certificate' })
  }
  if (request.sealedBytes % HEAD_STEP_BYTES !== 0) {
    throw new PlexiError('VALIDATION_DECODE', { what: 'put-head request', reason: 'a head is padded to 4 KiB' })
  }
  return notice
}

async function receive(
  exchange: Exchange,
  head: { request: ShardRequest<'put-head'>; notice: HeadNotice; bytes: number },
  { store }: HostContext,
): Promise<void> {
  const { request, notice } = head
  await exchange.answer('put-head', { ok: true, go: true })
  const body = new Uint8Array(head.bytes)
  await exchange.reader.fill(body, exchange.signal)
  const parts = split(body, [request.authorityBytes, request.sealedBytes, ...request.records])
  const [authority, sealed, ...records] = parts as [Uint8Array, Uint8Array, ...Uint8Array[]]
  const intact =
    equal(sealedHashOf(sealed), notice.sealedHash) && equal(restHashOf(authority, records), request.restHash)
  if (!intact) throw new PlexiError('SECURITY_SIGNATURE', { what: 'head' })
  await store.heads.put({ notice, content: { notice: request.notice, authority, sealed, records } })
  await exchange.answer('head-stored', { ok: true, stored: true })
}

function split(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let at = 0
  return lengths.map((length) => bytes.subarray(at, (at += length)))
}
