/** `Range` of a request. Pure. */

export interface ByteRange {
  readonly from: number
  readonly length: number
}

/**
 * The one range asked for, as far as a file of `size` bytes has it. Undefined: all of it, also for several ranges and
 * other units. Null: it begins behind the end.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined | null {
  const asked = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (asked === null) return undefined
  const [, first = '', last = ''] = asked
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? null : { from: size - length, length }
  }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return undefined
  if (from >= size) return null
  const to = last === '' ? size : Math.min(Number(last) + 1, size)
  return { from, length: to - from }
}
