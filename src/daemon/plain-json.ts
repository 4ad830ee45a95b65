/** Results of the engine as JSON: bytes in hex, big integers as numbers where exact, else as text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Undefined fields are left out. Throws for cycles. */
export function plainJson(value: unknown): Json {
  return JSON.parse(jsonText(value)) as Json
}

export function jsonText(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, item: unknown): unknown => {
    if (typeof item === 'bigint')
      return item <= Number.MAX_SAFE_INTEGER && item >= -Number.MAX_SAFE_INTEGER ? Number(item) : item.toString()
    if (isSerialisedBuffer(item)) return Buffer.from(item.data).toString('hex')
    if (item instanceof Uint8Array) return Buffer.from(item).toString('hex')
    if (item instanceof Map) return Object.fromEntries(item) as unknown
    if (item instanceof Set) return [...(item as Set<unknown>)]
    return item
  })
}

/** `Buffer.toJSON` runs before a replacer sees the value. */
function isSerialisedBuffer(item: unknown): item is { type: 'Buffer'; data: number[] } {
  return (
    typeof item === 'object' &&
    item !== null &&
    'type' in item &&
    item.type === 'Buffer' &&
    'data' in item &&
    Array.isArray(item.data)
  )
}
