/** All handlers of the storage protocols, by protocol id, sharing one set of bounds. Spec: docs/spec/05-storage-protocol.md § Protocols */
import { openShardVerb } from './handlers/shard-verbs.ts'
import type { HostContext } from './handlers/host-context.ts'
import { handleDevice, type DeviceDesk } from './handlers/device.ts'
import { handleJoin, type InviteBook } from './handlers/join.ts'
import { handleOffer, type HostingTerms } from './handlers/offer.ts'
import { serve, type ServeDeps } from './exchange.ts'
import { InFlight } from './in-flight.ts'
import type { ServeOptions } from './options.ts'
import type { ProtocolHandler } from './wire.ts'

export const OFFER_PROTOCOL = '/plexichat/offer/1'
export const SHARD_PROTOCOL = '/plexichat/shard/1'
export const JOIN_PROTOCOL = '/plexichat/join/1'
export const DEVICE_PROTOCOL = '/plexichat/device/1'
export type StorageProtocol =
  typeof OFFER_PROTOCOL | typeof SHARD_PROTOCOL | typeof JOIN_PROTOCOL | typeof DEVICE_PROTOCOL

export type HandlerDeps = Omit<ServeDeps, 'inFlight'> &
  HostContext & { readonly invites: InviteBook; readonly devices: DeviceDesk; readonly hosting: HostingTerms }

export function createHandlers(options: ServeOptions, deps: HandlerDeps): Record<StorageProtocol, ProtocolHandler> {
  const shared = { ...deps, inFlight: new InFlight(options) }
  return {
    [OFFER_PROTOCOL]: serve(
      {
        name: 'offer',
        decode: (payload) => ({ verb: 'get', run: (exchange) => handleOffer(payload, exchange, deps) }),
      },
      options,
      shared,
    ),
    [SHARD_PROTOCOL]: serve({ name: 'shard', decode: (payload) => openShardVerb(payload, deps) }, options, shared),
    [JOIN_PROTOCOL]: serve(
      {
        name: 'join',
        decode: (payload) => ({ verb: 'join', run: (exchange) => handleJoin(payload, exchange, deps) }),
      },
      options,
      shared,
    ),
    [DEVICE_PROTOCOL]: serve(
      {
        name: 'device',
        decode: (payload) => ({ verb: 'ask', run: (exchange) => handleDevice(payload, exchange, deps.devices) }),
      },
      options,
      shared,
    ),
  }
}
