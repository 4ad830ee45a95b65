/** The independent reader as a module, with the types of what the vectors use of it. */
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { root } from '../command.ts'

type Bytes = Uint8Array

export interface SealKey {
  readonly key: Bytes
  readonly nonce: Bytes
  readonly commitment: Bytes
}

export interface StripeShape {
  readonly k: number
  readonly n: number
}

interface OpenModule {
  readonly OpenError: new (code: string, reason: string) => Error & { readonly code: string }
  encode(value: unknown): Bytes
  decode(bytes: Bytes, maxBytes?: number): unknown
  peerIdOf(publicKey: Bytes): string
  normalisePhrase(text: string): string
  deriveKeys(phrase: string): Readonly<Record<string, Bytes>> & { readonly vault: Bytes }
  sealKey(secret: Bytes, salt: Bytes, use: { label: string; suite: number }): SealKey
  aead(suite: number, message: { key: Bytes; nonce: Bytes; aad: Bytes }): { encrypt(plaintext: Bytes): Bytes }
  openBox(secret: Bytes, expect: { label: string; box: Bytes; aad?: Bytes }): Bytes
  signedMessage(domain: string, payload: Bytes): Bytes
  openEnvelope(bytes: Bytes, expect: { publicKey: Bytes; domain: string; maxBytes: number }): Bytes
  openAuthority(bytes: Bytes, keys: Readonly<Record<string, Bytes>>): { readonly version: number }
  epochKeys(keys: Readonly<Record<string, Bytes>>, authority: object): ReadonlyMap<number, Bytes>
  openCertificate(bytes: Bytes, vault: Bytes): { readonly peer: string }
  leafHash(data: Bytes): Bytes
  merkleRoot(leafHashes: readonly Bytes[]): Bytes
  merkleTree(leafHashes: readonly Bytes[]): { getProof(leaf: Bytes, index: number): { data: Bytes }[] }
  shardId(bytes: Bytes): Bytes
  openShard(bytes: Bytes, epochs: ReadonlyMap<number, Bytes>): OpenedShard
  parsePlain(plain: Bytes): OpenedShard
  inflate(frame: { codec: number; stored: Bytes; plainLength: number }, windowLog?: number): Bytes
  chunkId(idMac: Bytes, plain: Bytes): Bytes
  times(a: number, b: number): number
  generator(k: number, n: number): number[][]
  rebuild(shape: StripeShape, have: ReadonlyMap<number, Bytes>, want: readonly number[]): Bytes[]
  stripeId(stripe: StripeShape & { readonly ids: readonly Bytes[] }): Bytes
  parseStripe(value: unknown): object
  openNotice(bytes: Bytes): object
  openHead(sealed: Bytes, epochs: ReadonlyMap<number, Bytes>): Bytes
  parseHead(body: Bytes): object
  parseSegment(bytes: Bytes): object
  parseSnapshot(bytes: Bytes, idMac: Bytes): object
  parseNodes(bytes: Bytes): object[]
  parseExtents(bytes: Bytes): object[]
  parseIds(bytes: Bytes): Bytes[]
  parseInline(value: unknown): { readonly codec: number; readonly stored: Bytes; readonly plainLength: number }
  mac(key: Bytes, ...parts: readonly Bytes[]): Bytes
  H(...parts: readonly Bytes[]): Bytes
}

export interface OpenedShard {
  readonly kind: number
  readonly frames: readonly { readonly codec: number; readonly plainLength: number; readonly stored: Bytes }[]
  readonly entries: readonly {
    readonly id: string
    readonly frame: number
    readonly offset: number
    readonly length: number
  }[]
}

export const open = (await import(pathToFileURL(join(root, 'bin/plexichat-open')).href)) as OpenModule

export const hex = (bytes: Bytes): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Bytes => Uint8Array.from(Buffer.from(text, 'hex'))
export const utf8 = (text: string): Bytes => Uint8Array.from(Buffer.from(text, 'utf8'))
export const concat = (...parts: readonly Bytes[]): Bytes => Uint8Array.from(Buffer.concat(parts))
