/** get-head: every device's head of the caller's vault, one after the other, with the terms known here. Spec: docs/spec/05-storage-protocol.md § get-head */
import { authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ShardRequest } from '../messages.ts'
import { MAX_FORKS, MAX_HEADS } from '../options.ts'
import { MAX_HEAD_FILE_BYTES } from '../../host/index.ts'
import type { HostContext } from './host-context.ts'

export async function handleGetHead(
  request: ShardRequest<'get-head'>,
  exchange: Exchange,
  context: HostContext,
): Promise<void> {
  const { store } = context
  const { vault } = await authorise(exchange, request, context)
  const terms = (await store.terms.get(vault))?.bytes ?? new Uint8Array(0)
  const devices = (await store.heads.devices(vault)).slice(0, MAX_HEADS)
  await exchange.answer('get-head', { ok: true, heads: devices.length, termsBytes: terms.length })
  await exchange.body(terms)
  for (const device of devices) {
    await exchange.holding(MAX_HEAD_FILE_BYTES, async () => {
      const { head, storedAt, forks } = await store.heads.get(vault, device)
      const { notice, authority, sealed } = head
      const lengths = { authorityBytes: authority.length, sealedBytes: sealed.length }
      await exchange.answer('one-head', { ok: true, notice, ...lengths, storedAt, forks: forks.slice(0, MAX_FORKS) })
      await exchange.body(authority)
      await exchange.body(sealed)
    })
  }
}
