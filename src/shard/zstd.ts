/**
 * zstd with contexts that are used again, and output where the caller wants it. Node's own calls make a context and its
 * output anew for every frame: half as much time again to inflate, and garbage whose collection costs more than that.
 * Invariants: nothing is written behind the room that is given; what one frame leaves behind never spoils the next.
 */
import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

type Parameters = Readonly<Record<number, number>>

/** The part of a zlib stream that does the work. Not documented, but what npm's own `minizlib` rests on as well. */
interface NativeStream {
  readonly _handle: {
    onerror: (message: string) => void
    writeSync(flush: number, ...inAndOut: [Uint8Array, number, number, Uint8Array, number, number]): void
  }
  /** Room left in the output, bytes left of the input. */
  readonly _writeState: Uint32Array
  close(): void
}

/** Compresses frame after frame. Where streams do not have that part, and not `lasting`, Node's own calls do the same. */
export class Compressor {
  readonly #params: Parameters
  readonly #kept: KeptContext

  constructor(params: Parameters, lasting = true) {
    this.#params = params
    this.#kept = new KeptContext(lasting ? () => createZstdCompress({ params }) : undefined)
  }

  /** Writes `plain` as one zstd frame into `out`, which has room for `compressedBound`; returns its length. */
  compress(plain: Uint8Array, out: Uint8Array): number {
    return this.#kept.use((context) => {
      if (context === undefined) {
        const stored = zstdCompressSync(plain, { params: this.#params, pledgedSrcSize: plain.length })
        out.set(stored)
        return stored.length
      }
      const done = context.run(constants.ZSTD_e_end, plain, out)
      if (done.left > 0) throw new Error('zstd: no room')
      return done.written
    })
  }
}

/** Most bytes a frame of `length` plain bytes takes. */
export function compressedBound(length: number): number {
  return length + (length >> 8) + 1024
}

/** Inflates frame after frame. */
export class Decompressor {
  readonly #params: Parameters
  readonly #kept: KeptContext

  constructor(params: Parameters, lasting = true) {
    this.#params = params
    this.#kept = new KeptContext(lasting ? () => createZstdDecompress({ params }) : undefined)
  }

  /** Writes what `stored` unfolds to into `out`; throws unless that is `length` bytes, shorter than `out`, and all of it. */
  inflate(stored: Uint8Array, out: Uint8Array, length: number): void {
    this.#kept.use((context) => {
      const done = context?.run(constants.ZSTD_e_end, stored, out)
      check(done ?? inflateAnew(stored, out, { params: this.#params, length }), length)
    })
  }
}

/** A context for one frame after the other. One that failed may be in the middle of its frame: another takes its place. */
class KeptContext {
  #make: (() => object) | undefined
  #context: Context | undefined

  constructor(make: (() => object) | undefined) {
    this.#make = make
  }

  /** `work` gets undefined where there are no contexts to be had. */
  use<T>(work: (context: Context | undefined) => T): T {
    if (this.#make !== undefined) this.#context ??= contextOf(this.#make())
    if (this.#context === undefined) this.#make = undefined
    try {
      return work(this.#context)
    } catch (error) {
      this.#context?.close()
      this.#context = undefined
      throw error
    }
  }
}

interface Done {
  readonly written: number
  readonly left: number
}

class Context {
  readonly #native: NativeStream
  #failure: string | undefined

  constructor(native: NativeStream) {
    this.#native = native
    this.#native._handle.onerror = (message) => {
      this.#failure = message
    }
  }

  run(flush: number, input: Uint8Array, out: Uint8Array): Done {
    const { _handle: handle, _writeState: state } = this.#native
    handle.writeSync(flush, input, 0, input.length, out, 0, out.length)
    if (this.#failure !== undefined) throw new Error(`zstd: ${this.#failure}`)
    return { written: out.length - (state[0] as number), left: state[1] as number }
  }

  close(): void {
    this.#native.close()
  }
}

function inflateAnew(
  stored: Uint8Array,
  out: Uint8Array,
  { params, length }: { params: Parameters; length: number },
): Done {
  const { buffer, engine } = zstdDecompressSync(stored, {
    // Never filled to the brim: with no room left zlib would go on into whatever follows.
    chunkSize: Math.max(64, length + 1),
    maxOutputLength: Math.max(1, length),
    params: { ...params },
    info: true,
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
  out.set(buffer)
  return { written: buffer.length, left: stored.length - engine.bytesWritten }
}

function check({ written, left }: Done, length: number): void {
  if (written !== length) throw new Error('it unfolds to another length')
  // zstd stops at the end of the first frame and says nothing of what follows.
  if (left > 0) throw new Error('bytes follow its end')
}

function contextOf(stream: object): Context | undefined {
  const { _handle: handle, _writeState: state } = stream as Partial<NativeStream>
  const native = typeof handle?.writeSync === 'function' && state instanceof Uint32Array
  return native ? new Context(stream as NativeStream) : undefined
}
