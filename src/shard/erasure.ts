/**
 * Reed–Solomon over whole shards: parity from k data shards, any shard from any k. Spec: docs/spec/03-stripe.md § Erasure code.
 * Invariant: no key is involved and the result is a function of the inputs alone, so whoever rebuilds a shard can prove
 * it by its id.
 */
import { invariant } from '../base/errors.ts'
import { erasureWasm } from './erasure-wasm.ts'
import { generatorMatrix, invertMatrix, multiply, multiplyMatrix, type Matrix } from './field.ts'
import { loadKernel, type WasmMemory } from './wasm-kernel.ts'

export interface Shape {
  /** Data shards, 1 ≤ k. */
  readonly k: number
  /** All shards, k ≤ n ≤ 255. */
  readonly n: number
}

/** Parity shards k … n−1 of `data` (k shards of one length, a multiple of 32 bytes). */
export function encodeParity(shape: Shape, data: readonly Uint8Array[]): Uint8Array[] {
  checkShape(shape)
  invariant(data.length === shape.k, 'k data shards')
  return transform(generatorMatrix(shape).slice(shape.k), data)
}

/**
 * The shards numbered `want` (0 … n−1) from any k of `shares`, which holds n entries, undefined where one is missing.
 * A wanted share that is there is returned as it is. The caller has verified every share by its id.
 */
export function reconstruct(
  shape: Shape,
  shares: readonly (Uint8Array | undefined)[],
  want: readonly number[],
): Uint8Array[] {
  checkShape(shape)
  invariant(shares.length === shape.n, 'n shares, present or not')
  const missing = want.filter((index) => shares[index] === undefined)
  const rebuilt = new Map<number, Uint8Array>()
  if (missing.length > 0) {
    const sources = [...shares.keys()].filter((index) => shares[index] !== undefined).slice(0, shape.k)
    invariant(sources.length === shape.k, 'at least k shares')
    const generator = generatorMatrix(shape)
    const fromSources = invertMatrix(rowsOf(generator, sources))
    const bytes = transform(
      multiplyMatrix(rowsOf(generator, missing), fromSources),
      sources.map((index) => shares[index] as Uint8Array),
    )
    for (const [i, index] of missing.entries()) rebuilt.set(index, bytes[i] as Uint8Array)
  }
  return want.map((index) => (shares[index] ?? rebuilt.get(index)) as Uint8Array)
}

/** Bytes of each share in the kernel's memory at a time: small, so that all of a step stays in the processor's cache. */
const STEP_BYTES = 8_192
const COEFFICIENTS_AT = 8_192
const PAGE_BYTES = 65_536

interface Kernel {
  readonly memory: WasmMemory
  multiply(coefficients: number, rows: number, inputs: number, input: number, output: number, length: number): void
}

let kernel: Kernel | undefined

/** Rows of `matrix` applied to `inputs`. */
function transform(matrix: Matrix, inputs: readonly Uint8Array[]): Uint8Array[] {
  const length = inputs[0]?.length ?? 0
  invariant(length > 0 && length % 32 === 0 && inputs.every((input) => input.length === length), 'shares of one length')
  const wasm = (kernel ??= prepareKernel())
  // The kernel takes rows in pairs: an odd one is paired with a row of zeros whose result is not read.
  const rows = matrix.length + (matrix.length % 2)
  const inputAt = align(COEFFICIENTS_AT + rows * inputs.length)
  const outputAt = inputAt + inputs.length * STEP_BYTES
  const needed = outputAt + rows * STEP_BYTES
  const short = needed - wasm.memory.buffer.byteLength
  if (short > 0) wasm.memory.grow(Math.ceil(short / PAGE_BYTES))
  const bytes = new Uint8Array(wasm.memory.buffer)
  bytes.fill(0, COEFFICIENTS_AT, inputAt)
  for (const [r, row] of matrix.entries()) bytes.set(row, COEFFICIENTS_AT + r * inputs.length)
  const outputs = matrix.map(() => Buffer.allocUnsafeSlow(length))
  for (let at = 0; at < length; at += STEP_BYTES) {
    const step = Math.min(STEP_BYTES, length - at)
    for (const [i, input] of inputs.entries()) bytes.set(input.subarray(at, at + step), inputAt + i * step)
    wasm.multiply(COEFFICIENTS_AT, rows, inputs.length, inputAt, outputAt, step)
    for (const [r, output] of outputs.entries()) {
      output.set(bytes.subarray(outputAt + r * step, outputAt + (r + 1) * step), at)
    }
  }
  return outputs
}

function prepareKernel(): Kernel {
  const loaded = loadKernel<Kernel>(erasureWasm)
  const tables = new Uint8Array(loaded.memory.buffer, 0, COEFFICIENTS_AT)
  for (let coefficient = 0; coefficient < 256; coefficient++) {
    for (let x = 0; x < 16; x++) {
      tables[coefficient * 32 + x] = multiply(coefficient, x)
      tables[coefficient * 32 + 16 + x] = multiply(coefficient, x << 4)
    }
  }
  return loaded
}

function rowsOf(matrix: Matrix, indices: readonly number[]): Matrix {
  return indices.map((index) => {
    const row = matrix[index]
    invariant(row !== undefined, 'a share number below n')
    return row
  })
}

function align(address: number): number {
  return Math.ceil(address / 64) * 64
}

function checkShape({ k, n }: Shape): void {
  invariant(Number.isInteger(k) && Number.isInteger(n) && k >= 1 && k <= n && n <= 255, 'a shape with 1 ≤ k ≤ n ≤ 255')
}
