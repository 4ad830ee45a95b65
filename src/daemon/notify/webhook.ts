/**
 * A message as an HTTP request. The signature covers time and body, so a receiver can refuse what is forged or replayed.
 * Spec: docs/AUTOMATION.md § Webhooks
 */
import { createHmac } from 'node:crypto'
import { PlexiError } from '../../base/errors.ts'
import type { Message } from './message.ts'

/** Throws `NETWORK_ADDRESS` for what is no http or https URL, or carries a password. */
export function webhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    throw new PlexiError('NETWORK_ADDRESS', {}, { message: 'not an http or https URL' })
  if (url.username !== '' || url.password !== '')
    throw new PlexiError('NETWORK_ADDRESS', {}, { message: 'a URL with a password in it: use the signature instead' })
  url.hash = ''
  return url
}

/** Paths of webhooks are often secrets: only where it goes is shown. */
export function shownUrl(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return pathname.length > 1 || search !== '' ? `${origin}/…` : origin
}

/** `now` in ms since 1970; sent in whole seconds. */
export function webhookHeaders(
  message: Pick<Message, 'id' | 'type'>,
  body: string,
  sign: { secret: string; now: number },
) {
  const seconds = String(Math.floor(sign.now / 1000))
  const mac = createHmac('sha256', sign.secret).update(`${seconds}.${body}`).digest('hex')
  return {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'PlexiChat',
    'x-plexichat-event': message.type,
    'x-plexichat-delivery': message.id,
    'x-plexichat-signature': `t=${seconds},v1=${mac}`,
  }
}
