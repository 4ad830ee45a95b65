/** Randomness as a port: the CSPRNG in production, seeded in the simulator. */
export interface Random {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array
  /** Uniform integer in [0, below), 0 < below ≤ 2⁴⁸. */
  below(below: number): number
}
