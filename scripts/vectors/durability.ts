/** Loss of a stripe in exact fractions, by the letter of docs/spec/03-stripe.md § Durability. */

interface Fraction {
  readonly above: bigint
  readonly below: bigint
}

const SCALE = 1_000_000n

/** P(fewer than k of the holders return); rates are taken as decimal fractions of six digits. */
export function exactLoss(k: number, rates: readonly number[]): number {
  return toNumber(lossOf(k, rates))
}

function lossOf(k: number, rates: readonly number[]): Fraction {
  // exactly[i] = numerator of P(exactly i return), over SCALE^count.
  let exactly: bigint[] = [1n]
  for (const rate of rates) {
    const back = BigInt(Math.round(rate * 1e6))
    const next = Array.from({ length: exactly.length + 1 }, () => 0n)
    exactly.forEach((value, i) => {
      next[i] = (next[i] ?? 0n) + value * (SCALE - back)
      next[i + 1] = (next[i + 1] ?? 0n) + value * back
    })
    exactly = next
  }
  return { above: exactly.slice(0, k).reduce((sum, value) => sum + value, 0n), below: SCALE ** BigInt(rates.length) }
}

function toNumber({ above, below }: Fraction): number {
  if (above === 0n) return 0
  // Seventeen digits and more, whatever the size of the fraction.
  const shift = below.toString().length - above.toString().length + 20
  return Number(`${(above * 10n ** BigInt(shift)) / below}e-${shift}`)
}

/** k = s and the smallest n above s whose loss on the first n slots is not above the full stripe's. */
export function shortShape(
  s: number,
  full: { k: number; n: number },
  rates: readonly number[],
): { k: number; n: number } {
  if (full.n === full.k) return { k: s, n: s }
  const bound = lossOf(full.k, rates)
  for (let n = s + 1; n < full.n; n++) {
    const own = lossOf(s, rates.slice(0, n))
    if (own.above * bound.below <= bound.above * own.below) return { k: s, n }
  }
  return { k: s, n: full.n }
}
