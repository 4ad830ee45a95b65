/**
 * Arithmetic and small matrices over GF(2⁸) with the polynomial x⁸+x⁴+x³+x²+1 (0x11D).
 * Spec: docs/spec/03-stripe.md § Erasure code. For matrices only; bulk data goes through the kernel.
 */
import { invariant } from '../base/errors.ts'

/** Rows of bytes. */
export type Matrix = readonly Uint8Array[]

const POLYNOMIAL = 0x11d
const exponents = new Uint8Array(510)
const logarithms = new Uint8Array(256)
for (let i = 0, value = 1; i < 255; i++) {
  exponents[i] = exponents[i + 255] = value
  logarithms[value] = i
  value = value < 128 ? value << 1 : (value << 1) ^ POLYNOMIAL
}

export function multiply(a: number, b: number): number {
  if (a === 0 || b === 0) return 0
  return exponents[(logarithms[a] as number) + (logarithms[b] as number)] as number
}

/** 1 ÷ a; a is not 0. */
export function inverse(a: number): number {
  invariant(a !== 0, 'division by zero')
  return exponents[255 - (logarithms[a] as number)] as number
}

/** base ^ exponent, with 0⁰ = 1. */
export function power(base: number, exponent: number): number {
  if (exponent === 0) return 1
  if (base === 0) return 0
  return exponents[((logarithms[base] as number) * exponent) % 255] as number
}

export function multiplyMatrix(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => {
    const out = new Uint8Array(b[0]?.length ?? 0)
    for (const [i, factor] of row.entries()) {
      const from = b[i] as Uint8Array
      for (let c = 0; c < out.length; c++) out[c] = (out[c] as number) ^ multiply(factor, from[c] as number)
    }
    return out
  })
}

/** Gauss–Jordan. The matrix must be square and invertible: any k rows of a generator are. */
export function invertMatrix(matrix: Matrix): Matrix {
  const size = matrix.length
  const rows = matrix.map((row, r): Uint8Array => {
    const wide = new Uint8Array(2 * size)
    wide.set(row)
    wide[size + r] = 1
    return wide
  })
  for (let column = 0; column < size; column++) {
    const found = rows.findIndex((row, r) => r >= column && row[column] !== 0)
    const pivot = rows[found]
    invariant(pivot !== undefined, 'an invertible matrix')
    rows[found] = rows[column] as Uint8Array
    rows[column] = pivot
    const factor = inverse(pivot[column] as number)
    for (let c = 0; c < pivot.length; c++) pivot[c] = multiply(factor, pivot[c] as number)
    for (const row of rows) if (row !== pivot) addMultiple(row, pivot, row[column] as number)
  }
  return rows.map((row) => row.slice(size))
}

/** V(n,k) · V(k,k)⁻¹ with V[r][c] = rᶜ: the identity on top, parity rows below. */
export function generatorMatrix(shape: { readonly k: number; readonly n: number }): Matrix {
  const vandermonde = Array.from({ length: shape.n }, (_, r) =>
    Uint8Array.from({ length: shape.k }, (_unused, c) => power(r, c)),
  )
  return multiplyMatrix(vandermonde, invertMatrix(vandermonde.slice(0, shape.k)))
}

function addMultiple(row: Uint8Array, other: Uint8Array, factor: number): void {
  if (factor === 0) return
  for (let c = 0; c < row.length; c++) row[c] = (row[c] as number) ^ multiply(factor, other[c] as number)
}
