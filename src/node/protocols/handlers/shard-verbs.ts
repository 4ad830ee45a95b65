/** The shard protocol's verbs and their handlers: one file each. Spec: docs/spec/05-storage-protocol.md § Verbs */
import type { Exchange } from '../exchange.ts'
import { decodeShardRequest, type ShardRequest } from '../messages.ts'
import { handleGetHead } from './get-head.ts'
import { handleGet } from './get.ts'
import { handleHas } from './has.ts'
import type { HostContext } from './host-context.ts'
import { handlePutHead } from './put-head.ts'
import { handlePut } from './put.ts'
import { handleRelease } from './release.ts'
import { handleRenew } from './renew.ts'
import { handleRestoreReleased } from './restore-released.ts'

/** Decodes a first message; what it returns has still to authorise. Throws `VALIDATION_*`. */
export function openShardVerb(
  payload: Uint8Array,
  context: HostContext,
): { verb: string; run: (exchange: Exchange) => Promise<void> } {
  const request = decodeShardRequest(payload)
  return { verb: request.verb, run: (exchange) => run(request, exchange, context) }
}

function run(request: ShardRequest, exchange: Exchange, context: HostContext): Promise<void> {
  switch (request.verb) {
    case 'put':
      return handlePut(request, exchange, context)
    case 'get':
      return handleGet(request, exchange, context)
    case 'has':
      return handleHas(request, exchange, context)
    case 'release':
      return handleRelease(request, exchange, context)
    case 'restore-released':
      return handleRestoreReleased(request, exchange, context)
    case 'renew':
      return handleRenew(request, exchange, context)
    case 'put-head':
      return handlePutHead(request, exchange, context)
    case 'get-head':
      return handleGetHead(request, exchange, context)
  }
}
