/** Directories as pages for browsers and as WebDAV answers (RFC 4918), piece by piece. */
import { size, timestamp } from '../format.ts'
import { escaped, hrefOf, typeOf } from './safe-text.ts'
import type { Item } from './shelf.ts'

interface Directory {
  /** From the top of the server, the token first. */
  readonly names: readonly string[]
  readonly items: AsyncIterable<Item>
}

export async function* htmlPage({ names, items }: Directory): AsyncGenerator<string> {
  const title = escaped(['backups', ...names.slice(1)].join(' / '))
  yield `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title>\n<h1>${title}</h1>\n<table>\n`
  if (names.length > 1) yield row(`<a href="${hrefOf(names.slice(0, -1), true)}">..</a>`, '', '')
  for await (const item of items) {
    const { name, kind, mtime, target } = item
    const label = escaped(kind === 'directory' ? `${name}/` : name)
    const link = `<a href="${hrefOf([...names, name], kind === 'directory')}">${label}</a>`
    const shown = kind !== 'other' ? link : target === undefined ? label : `${label} → ${escaped(target)}`
    yield row(shown, kind === 'file' ? size(item.size) : '', timestamp(mtime))
  }
  yield '</table>\n</html>\n'
}

/** `self` is the directory or file itself; a depth of 0 comes without items. */
export async function* multiStatus(self: Item, { names, items }: Directory): AsyncGenerator<string> {
  yield '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n'
  yield davResponse(self, names)
  for await (const item of items) if (item.kind !== 'other') yield davResponse(item, [...names, item.name])
  yield '</D:multistatus>\n'
}

function row(name: string, bytes: string, time: string): string {
  return `<tr><td>${name}</td><td>${bytes}</td><td>${time}</td></tr>\n`
}

function davResponse({ name, kind, size: bytes, mtime }: Item, names: readonly string[]): string {
  const isDirectory = kind === 'directory'
  const content = `<D:getcontentlength>${String(bytes)}</D:getcontentlength><D:getcontenttype>${typeOf(name)}</D:getcontenttype>`
  const time = mtime === '' ? '' : `<D:getlastmodified>${new Date(mtime).toUTCString()}</D:getlastmodified>`
  return (
    `<D:response><D:href>${hrefOf(names, isDirectory)}</D:href><D:propstat><D:prop>` +
    `<D:displayname>${escaped(name)}</D:displayname>` +
    `<D:resourcetype>${isDirectory ? '<D:collection/>' : ''}</D:resourcetype>${time}${isDirectory ? '' : content}` +
    '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n'
  )
}
