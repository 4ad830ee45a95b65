/**
 * Chunks that ride in the head, at hand: sealed in the catalogue, open in memory. Spec: docs/spec/04-snapshot-and-head.md
 * § Inline. Invariant: never more than the head can carry.
 */
import { view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { decode, encode } from '../../crypto/codec.ts'
import { openBox, sealBox } from '../../crypto/seal.ts'
import type { ChunkId } from '../../shard/index.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { framePlain, openFrame, readFrame, type InlineFrame } from '../head/inline.ts'
import { epochKeyOf, newestEpoch, type EngineKeys } from '../engine-keys.ts'

const LABEL = 'inline'
const MAX_FRAME = 1 << 20

export class InlineStore {
  readonly #deps: { catalogue: Catalogue; keys: EngineKeys; random: Random }
  #frames: InlineFrame[] = []
  #chunks = new Map<string, Uint8Array>()

  constructor(deps: { catalogue: Catalogue; keys: EngineKeys; random: Random }) {
    this.#deps = deps
  }

  /** Reads the catalogue again: at start, and after a commit that changed frames. */
  load(): void {
    const keyOf = epochKeyOf(this.#deps.keys)
    this.#frames = []
    this.#chunks = new Map()
    for (const { epoch, box } of this.#deps.catalogue.heads.frames()) {
      const key = keyOf(epoch)
      if (key === undefined) throw new PlexiError('SECURITY_SEALED', { what: 'inline frame', reason: 'no key' })
      const plain = openBox(key, { label: LABEL, box, what: 'inline frame' })
      this.#take(readFrame(decode(plain, { what: 'inline frame', maxBytes: MAX_FRAME })))
    }
  }

  get frames(): readonly InlineFrame[] {
    return this.#frames
  }

  /** Bytes they take in the head. */
  get storedBytes(): number {
    return this.#frames.reduce((sum, frame) => sum + frame.bytes.length + frame.entries.length * 40 + 32, 0)
  }

  has(id: ChunkId): boolean {
    return this.#chunks.has(key(id))
  }

  read(id: ChunkId): Uint8Array | undefined {
    return this.#chunks.get(key(id))
  }

  chunks(): { id: ChunkId; bytes: Uint8Array }[] {
    return this.#frames.flatMap(openFrame)
  }

  /** To be called inside a commit; `load` afterwards. */
  store(frame: InlineFrame): void {
    const epoch = newestEpoch(this.#deps.keys)
    const plaintext = encode(framePlain(frame))
    const box = sealBox(epoch.key, { label: LABEL, plaintext, random: this.#deps.random })
    this.#deps.catalogue.heads.addFrame({ epoch: epoch.epoch, storedBytes: frame.bytes.length, box })
  }

  #take(frame: InlineFrame): void {
    this.#frames.push(frame)
    for (const { id, bytes } of openFrame(frame)) this.#chunks.set(key(id), bytes)
  }
}

function key(id: Uint8Array): string {
  return view(id).toString('latin1')
}
