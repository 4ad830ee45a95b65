/** Public face of the shard room: the formats, and the port through which shards are kept elsewhere. */
export { Chunker, chunkIdOf } from './chunker.ts'
export {
  safety,
  survival,
  survivalLoss,
  UNMEASURED_STRANGER_RATE,
  UNMEASURED_VOUCHED_RATE,
  type HostSet,
} from './durability.ts'
export { encodeParity, reconstruct, type Shape } from './erasure.ts'
export { compressFrame, inflateFrame, type Codec, type StoredFrame } from './frame.ts'
export {
  MAX_HEAD_BODY_BYTES,
  openHead,
  openNotice,
  sealedHashOf,
  sealHead,
  signNotice,
  type HeadNotice,
} from './head.ts'
export { chunkId, groupId, shardId, stripeId, type ChunkId, type GroupId, type ShardId, type StripeId } from './ids.ts'
export { chooseShape, ladder, minimumReceipts, placedThreshold, shortStripe } from './ladder.ts'
export type { ChunkEntry, ShardKind } from './layout.ts'
export {
  defaultChunkerOptions,
  defaultPackerOptions,
  HEAD_STEP_BYTES,
  LEAF_BYTES,
  LEAVES,
  MAX_CHUNK_BYTES,
  MAX_FRAME_BYTES,
  MAX_HEAD_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_NOTICE_BYTES,
  MAX_STRIPE_SHARDS,
  SHARD_BYTES,
  SHARD_HEADER_BYTES,
  SHARD_PLAIN_BYTES,
  type ChunkerOptions,
  type PackerOptions,
} from './options.ts'
export { PackerMemory, ShardPacker, type WaitingChunk } from './packer.ts'
export { ShardHasher, shardLeafHashes, shardRoot, verifyShard } from './root.ts'
export {
  openShard,
  openSlabs,
  shardHeader,
  type OpenedShard,
  type OpenSlabs,
  type SealedShard,
  type ShardHeader,
} from './sealed-shard.ts'
export {
  encodeSeedPage,
  encodeSeedReceipts,
  MAX_SEED_SHARDS,
  openSeed,
  openSeedPage,
  openSeedReceipts,
  SEED_FILE,
  SEED_PAGE_BYTES,
  SEED_PAGE_ITEMS,
  SEED_RECEIPTS_BYTES,
  seedPageName,
  seedPages,
  signSeed,
  MAX_SEED_BYTES,
  type Seed,
  type SeedItem,
} from './seed.ts'
export type {
  FetchOutcome,
  FetchRequest,
  FoundHead,
  GroupHost,
  GroupSlot,
  HeadBundle,
  Holder,
  HostFault,
  PlaceEvent,
  PlaceRequest,
  PlacementGroup,
  Receipt,
  ShardNetwork,
  StripeRecord,
} from './shard-network.ts'
export { decodeStripe, encodeStripe, manifestPayload, openManifest, stripeIdOf, stripeRecord } from './stripe.ts'
