/**
 * Names and files out of a backup as a browser may see them. Invariant: nothing that lies in a backup is ever taken for a
 * page, a script or a part of one: what is text is shown as text, a few kinds of images as such, all else is saved.
 */
import { extname } from 'node:path'
import { printable } from '../format.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For HTML and XML, in text and in attributes; control characters are shown, as XML cannot hold them. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** An absolute path; collections end with a slash. */
export function hrefOf(names: readonly string[], isDirectory: boolean): string {
  return `/${names.map(encodeURIComponent).join('/')}${isDirectory && names.length > 0 ? '/' : ''}`
}

const texts =
  /^\.(txt|md|log|csv|tsv|json|jsonl|xml|ya?ml|toml|ini|conf|sql|html?|css|[cm]?[jt]sx?|sh|py|c|h|rs|go|eml|vcf|ics)$/
const images: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
}

/** By the name alone: the content is not looked at, here or (`nosniff`) by the browser. */
export function typeOf(name: string): string {
  const extension = extname(name).toLowerCase()
  if (texts.test(extension)) return 'text/plain; charset=utf-8'
  return images[extension] ?? 'application/octet-stream'
}

/** `Content-Disposition` of a file. */
export function dispositionOf(name: string): string {
  const how = typeOf(name) === 'application/octet-stream' ? 'attachment' : 'inline'
  // What encodeURIComponent leaves and RFC 8187 does not allow.
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${how}; filename*=UTF-8''${encoded}`
}

/** Of every answer: nothing is loaded or run, nothing embeds it, nobody is told its address. */
export const safetyHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
