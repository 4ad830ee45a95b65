/**
 * Loading our WebAssembly kernels from their committed bytes: no file access, no imports into the module.
 * Spec: docs/spec/03-stripe.md § Erasure code, docs/spec/02-shard.md § Chunks.
 */

export interface WasmMemory {
  /** Replaced by `grow`. */
  readonly buffer: ArrayBuffer
  /** Adds pages of 64 KiB. */
  grow(pages: number): number
}

/** Exports of the module in `base64`, new memory each time. `T` states what the module exports. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the module's exports have no other type
export function loadKernel<T extends { readonly memory: WasmMemory }>(base64: string): T {
  const module = new WebAssembly.Module(Buffer.from(base64, 'base64'))
  return new WebAssembly.Instance(module).exports as T
}

/** The part of the standard API in use; its types come with browsers' libraries only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}
