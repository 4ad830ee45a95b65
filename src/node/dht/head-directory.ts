/**
 * Head records in the live DHT: publishing the current period's, finding them again from the rendezvous key alone, and
 * republishing what owners left here (docs/spec/06-dht-records.md). The DHT is a hint: failures are results, not errors.
 */
import type { KadDHT } from '@libp2p/kad-dht'
import { deadline, type Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { mapBounded } from '../../base/queue.ts'
import { dhtLimits, headRecordFormat } from '../options.ts'
import { headKey, openHeadRecord, periodAt, type HeadPointer, type HeadRecord } from './head-records.ts'

export interface HeadDirectoryDeps {
  readonly dht: KadDHT
  readonly clock: Clock
  readonly log: Logger
}

const AT_ONCE = 4

export class HeadDirectory {
  readonly #deps: HeadDirectoryDeps

  constructor(deps: HeadDirectoryDeps) {
    this.#deps = deps
  }

  /** Puts records into the DHT; the number of members that confirmed at least one. */
  async put(records: readonly Pick<HeadRecord, 'key' | 'value'>[], signal: AbortSignal): Promise<number> {
    const keepers = new Set<string>()
    await mapBounded(records, AT_ONCE, async (record) => {
      const wait = deadline(this.#deps.clock, dhtLimits.queryTimeoutMs, signal)
      try {
        for await (const event of this.#deps.dht.put(record.key, record.value, { signal: wait.signal })) {
          if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') keepers.add(event.from.toString())
        }
      } catch (error) {
        // An older copy is refused by our own store too: somebody newer was here.
        this.#deps.log.debug('head record not put', { error })
      } finally {
        wait.clear()
      }
    })
    signal.throwIfAborted()
    return keepers.size
  }

  /** Pointers of the current and the previous period, newest first. */
  async find(rendezvous: Uint8Array, signal: AbortSignal): Promise<HeadPointer[]> {
    const now = periodAt(this.#deps.clock.now())
    const places = [now, now - 1].flatMap((period) =>
      Array.from({ length: headRecordFormat.slots }, (_, slot) => ({ period, slot })),
    )
    const found = await mapBounded(places, AT_ONCE, async (place) => {
      const values = await this.#get(headKey(rendezvous, place), signal)
      return values.flatMap((value) => {
        try {
          return [openHeadRecord(rendezvous, place, value)]
        } catch (error) {
          this.#deps.log.warn('a head record of this vault does not open', { error })
          return []
        }
      })
    })
    signal.throwIfAborted()
    return found.flat().sort((a, b) => b.made - a.made)
  }

  async #get(key: Uint8Array, signal: AbortSignal): Promise<Uint8Array[]> {
    const values: Uint8Array[] = []
    const wait = deadline(this.#deps.clock, dhtLimits.queryTimeoutMs, signal)
    try {
      for await (const event of this.#deps.dht.get(key, { signal: wait.signal })) {
        if (event.name === 'VALUE') values.push(event.value)
      }
    } catch (error) {
      this.#deps.log.debug('head record not found', { error })
    } finally {
      wait.clear()
    }
    return values
  }
}
