/**
 * Chunks that ride in the head, at hand: sealed in the catalogue, open in memory. Spec: docs/spec/04-snapshot-and-head.md
 * § Inline. Invariant: never more than the head can carry.
 */
import { view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { decode, encode } from '../../crypto/codec.ts'
import { openBox, sealBox } from '../../crypto/seal.ts'
import type { ChunkId } from '../../shard/index.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { SealedFrame } from '../catalogue/head-rows.ts'
import { framePlain, openFrame, readFrame, type InlineFrame } from '../head/inline.ts'
import { epochKeyOf, newestEpoch, type EngineKeys } from '../engine-keys.ts'

const LABEL = 'inline'
const MAX_FRAME = 1 << 20

export class InlineStore {
  readonly #deps: { catalogue: Catalogue; keys: EngineKeys; random: Random }
  #frames: InlineFrame[] = []
  #chunks = new Map<string, Uint8Array>()
  /** Chunks in other devices' heads: to be read, never relied on for what is new. */
  #others = new Map<string, Uint8Array>()

  constructor(deps: { catalogue: Catalogue; keys: EngineKeys; random: Random }) {
    this.#deps = deps
  }

  /** Reads the catalogue again: at start, and after a commit that changed frames. */
  load(): void {
    const { catalogue, keys } = this.#deps
    const keyOf = epochKeyOf(keys)
    const frames = catalogue.heads.frames().map((sealed) => openSealed(sealed, keyOf))
    const others = catalogue.others.frames().map((sealed) => openSealed(sealed, keyOf))
    // All or nothing: what is missing here would not move when the catalogue's frames are cleared.
    const [chunks, othersChunks] = [byId(frames), byId(others)]
    this.#frames = frames
    this.#chunks = chunks
    this.#others = othersChunks
  }

  get frames(): readonly InlineFrame[] {
    return this.#frames
  }

  /** Bytes they take in the head. */
  get storedBytes(): number {
    return this.#frames.reduce((sum, frame) => sum + frame.bytes.length + frame.entries.length * 40 + 32, 0)
  }

  /** Whether it rides in this device's own head. */
  has(id: ChunkId): boolean {
    return this.#chunks.has(key(id))
  }

  /** Whether it rides in any device's head. */
  holds(id: ChunkId): boolean {
    return this.read(id) !== undefined
  }

  read(id: ChunkId): Uint8Array | undefined {
    return this.#chunks.get(key(id)) ?? this.#others.get(key(id))
  }

  chunks(): { id: ChunkId; bytes: Uint8Array }[] {
    return this.#frames.flatMap(openFrame)
  }

  /** To be called inside a commit; `load` afterwards. */
  store(frame: InlineFrame): void {
    this.#deps.catalogue.heads.addFrame(this.#seal(frame))
  }

  /** Likewise, for what rides in another device's head. */
  storeOther(device: PeerKey, frame: InlineFrame): void {
    this.#deps.catalogue.others.addFrame(device, this.#seal(frame))
  }

  /** Seals everything anew under the newest epoch, so that older keys may go. Others' frames come back with their heads. */
  reseal(): void {
    const { catalogue } = this.#deps
    const frames = this.#frames
    catalogue.commit(() => {
      catalogue.heads.clearFrames()
      catalogue.others.clearFrames()
      for (const frame of frames) this.store(frame)
    })
    this.load()
  }

  #seal(frame: InlineFrame): Omit<SealedFrame, 'no'> {
    const { epoch, key: secret } = newestEpoch(this.#deps.keys)
    const plaintext = encode(framePlain(frame))
    const box = sealBox(secret, { label: LABEL, plaintext, random: this.#deps.random })
    return { epoch, storedBytes: frame.bytes.length, box }
  }
}

function openSealed({ epoch, box }: SealedFrame, keyOf: (epoch: number) => Uint8Array | undefined): InlineFrame {
  const secret = keyOf(epoch)
  if (secret === undefined) throw new PlexiError('SECURITY_SEALED', { what: 'inline frame', reason: 'no key' })
  const plain = openBox(secret, { label: LABEL, box, what: 'inline frame' })
  return readFrame(decode(plain, { what: 'inline frame', maxBytes: MAX_FRAME }))
}

function byId(frames: readonly InlineFrame[]): Map<string, Uint8Array> {
  return new Map(frames.flatMap(openFrame).map(({ id, bytes }) => [key(id), bytes]))
}

function key(id: Uint8Array): string {
  return view(id).toString('latin1')
}
