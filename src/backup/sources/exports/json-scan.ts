/**
 * Counts values of a JSON text of any length by where they are, without building any of it. It follows structure only: a
 * text whose brackets close is complete. Memory: a bit per level, at most 512 levels.
 */

/** Keys from the top; `*` stands for each element of an array. */
export type JsonPath = readonly string[]

interface Level {
  readonly array: boolean
  /** Which paths may still match below, one bit each. */
  readonly open: number
}

const MAX_LEVELS = 512
const MAX_KEY = 64
const QUOTE = 0x22
const BACKSLASH = 0x5c

export class JsonScan {
  readonly #paths: readonly JsonPath[]
  /** Top-level numbers to be remembered. */
  readonly #wanted: readonly string[]
  readonly counts: number[]
  readonly numbers = new Map<string, number>()
  readonly #levels: Level[] = []
  #inString = false
  #escaped = false
  /** Between `{` or `,` and `:` of an object. */
  #atKey = false
  /** A value is due. */
  #atValue = true
  #key = ''
  #number: string | undefined
  #ended = false
  #broken = false

  constructor(paths: readonly JsonPath[], wanted: readonly string[] = []) {
    this.#paths = paths
    this.#wanted = wanted
    this.counts = paths.map(() => 0)
  }

  /** The text was one whole value. */
  get complete(): boolean {
    return this.#ended && !this.#broken
  }

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#broken; at++) {
      if (this.#inString) at = this.#string(bytes, at)
      else this.#structure(bytes[at] as number)
    }
  }

  /** Goes to the end of a string, or of the bytes. */
  #string(bytes: Uint8Array, from: number): number {
    let at = from
    if (this.#escaped) {
      this.#escaped = false
      at++
    }
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        this.#inString = false
        break
      }
      if (byte !== BACKSLASH) continue
      at++
      this.#escaped = at === bytes.length
    }
    if (this.#atKey && this.#key.length < MAX_KEY)
      this.#key += Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(at, bytes.length) - from).toString(
        'latin1',
      )
    return at
  }

  #structure(byte: number): void {
    switch (byte) {
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        this.#endNumber()
        break
      case QUOTE:
        this.#inString = true
        if (this.#atKey) this.#key = ''
        else this.#value()
        break
      case 0x7b:
        this.#enter(false)
        break
      case 0x5b:
        this.#enter(true)
        break
      case 0x7d:
      case 0x5d:
        this.#leave(byte === 0x5d)
        break
      case 0x3a:
        this.#atKey = false
        this.#atValue = true
        break
      case 0x2c:
        this.#endNumber()
        this.#next()
        break
      default:
        this.#scalar(byte)
    }
  }

  #next(): void {
    const level = this.#levels.at(-1)
    this.#atKey = level?.array === false
    this.#atValue = level?.array === true
  }

  #enter(array: boolean): void {
    const open = this.#value()
    if (this.#levels.length >= MAX_LEVELS) this.#broken = true
    this.#levels.push({ array, open })
    this.#next()
  }

  #leave(array: boolean): void {
    this.#endNumber()
    const level = this.#levels.pop()
    if (level?.array !== array) this.#broken = true
    this.#atKey = false
    this.#atValue = false
    if (this.#levels.length === 0) this.#ended = true
  }

  #scalar(byte: number): void {
    if (this.#atValue) {
      this.#value()
      const wanted = this.#levels.length === 1 && this.#wanted.includes(this.#key)
      this.#number = wanted ? '' : undefined
    }
    if (this.#number !== undefined && this.#number.length < MAX_KEY) this.#number += String.fromCharCode(byte)
  }

  #endNumber(): void {
    if (this.#number === undefined) return
    this.numbers.set(this.#key, Number(this.#number))
    this.#number = undefined
  }

  /** A value begins: counts it where its path is complete, and says which paths go on below it. */
  #value(): number {
    if (this.#ended) this.#broken = true
    this.#atValue = false
    const depth = this.#levels.length
    if (depth === 0) return (1 << this.#paths.length) - 1
    const level = this.#levels[depth - 1] as Level
    if (level.open === 0) return 0
    const label = level.array ? '*' : this.#key
    let below = 0
    this.#paths.forEach((path, no) => {
      if ((level.open & (1 << no)) === 0 || path[depth - 1] !== label) return
      if (path.length === depth) this.counts[no] = (this.counts[no] as number) + 1
      else below |= 1 << no
    })
    return below
  }
}
