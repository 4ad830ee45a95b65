/**
 * What knows the form of one app's exports. Invariants: readers see the bytes that are stored and never change them;
 * memory is bounded whatever the input; what is odd becomes a warning, never an error.
 */

/** The first bytes of a file, at most 4 KiB, with its base name. */
export interface Start {
  readonly name: string
  readonly bytes: Buffer
  /** The same as text, byte by byte; empty where it begins like no text that is recognised. */
  readonly text: string
}

export interface Counted {
  /** Null where they cannot be counted. */
  readonly messages: number | null
  readonly warnings: readonly string[]
}

export interface ExportReader {
  take(bytes: Buffer): void
  end(): Counted
}

/** One form of one app's exports. */
export interface ExportForm {
  readonly app: string
  /** A reader for the whole file where it is such an export. */
  open(start: Start): ExportReader | undefined
}

/** An app's export as a zip: which members hold messages. */
export interface ZipForm {
  readonly app: string
  /** Undefined where these members are not such an export. */
  open(members: readonly string[]): ZipReader | undefined
}

export interface ZipReader {
  /** A reader for a member's content; undefined where it holds no messages. */
  member(name: string): ExportReader | undefined
  /** What is odd about the whole. */
  readonly warnings: readonly string[]
}

export const START_BYTES = 4096
/** What is said about a file that ends too early. */
export const CUT_OFF = 'it ends in the middle: the export is not complete'

export function startOf(name: string, bytes: Uint8Array): Start {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, START_BYTES))
  return { name, bytes: head, text: beginsLikeText(head) ? head.toString('latin1') : '' }
}

/** An object, a comment or a magic word, behind blanks. Spares all other files, of which there are many, the rest. */
const firsts = new Set(['{', '-', '/', 'P'].map((character) => character.charCodeAt(0)))
const blanks = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0xa0])

function beginsLikeText(head: Uint8Array): boolean {
  const first = head.find((byte) => !blanks.has(byte))
  return first !== undefined && firsts.has(first)
}
