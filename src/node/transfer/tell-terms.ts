/**
 * Showing hosts the vault's newest terms, whether or not there is anything else to ask. Spec:
 * docs/spec/05-storage-protocol.md § Terms: they travel with every request, so the cheapest one carries them.
 */
import { deadline, type Clock } from '../../base/clock.ts'
import { toPlexiError } from '../../base/errors.ts'
import { mapBounded } from '../../base/queue.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { shardId, type GroupHost } from '../../shard/index.ts'
import type { NodeLimits } from '../options.ts'
import type { HostCalls } from './host-calls.ts'

/** An id that no shard has. */
const NOTHING = shardId(new Uint8Array(32))

export async function tellTerms(
  hosts: readonly GroupHost[],
  deps: { readonly calls: Pick<HostCalls, 'has'>; readonly limits: NodeLimits; readonly clock: Clock },
  signal: AbortSignal,
): Promise<{ told: number; missing: PeerKey[] }> {
  const missing: PeerKey[] = []
  await mapBounded(hosts, deps.limits.maxAsksAtOnce, async (host) => {
    const wait = deadline(deps.clock, deps.limits.shardTimeoutMs, signal)
    try {
      await deps.calls.has(host, [NOTHING], wait.signal)
    } catch (error) {
      signal.throwIfAborted()
      const { code } = toPlexiError(error)
      // An answer is an answer: whoever refuses has seen the terms.
      if (!code.startsWith('AUTH_')) missing.push(host.peer)
    } finally {
      wait.clear()
    }
  })
  return { told: hosts.length - missing.length, missing }
}
