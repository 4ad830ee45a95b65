/**
 * `identity add-device`: a one-time code for a new machine, and what the words make for it once it has asked. The words
 * are read only then, and used in this process alone. Spec: docs/spec/06-dht-records.md § Device codes
 */
import { fromBase64Url, toBase64Url, wipe } from '../base/bytes.ts'
import { SECOND } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'
import type { RouteItem } from '../api/index.ts'
import { allGrants, type Grant } from '../crypto/certificate.ts'
import type { DeviceAsk } from '../crypto/device-code.ts'
import { peerKey } from '../crypto/ids.ts'
import { cliClock } from './clock.ts'
import { wordsFor, type WordOptions } from './devices.ts'
import { ago, printable } from './format.ts'
import type { Session } from './session.ts'
import { confirmed } from './words.ts'

export interface AddOptions extends WordOptions {
  readonly name?: string
  readonly grants: readonly Grant[]
  /** Milliseconds. */
  readonly expires: number
}

type Opened = RouteItem<'deviceCodeOpen'>
type State = RouteItem<'deviceCode'>

const LOOK_MS = 500
/** The new device asks every second: after this it has gone away. */
const TAKE_MS = 30 * SECOND

/** `store,release` and so on. A device that stores leaves heads too: without them nothing would find what it stored. */
export function grantsOption(text: string): Grant[] {
  const asked = text.split(',').map((grant) => grant.trim())
  const unknown = asked.find((grant) => !allGrants.some((known) => known === grant))
  if (unknown !== undefined)
    throw new PlexiError('VALIDATION_USAGE', { reason: `no grant ${unknown}: ${allGrants.join(', ')}` })
  if (!asked.includes('store'))
    throw new PlexiError('VALIDATION_USAGE', { reason: 'every device needs the grant store' })
  return allGrants.filter((grant) => asked.includes(grant) || grant === 'head')
}

export async function addDevice(session: Session, options: AddOptions): Promise<void> {
  const { out } = session
  const opened = await session.ask('deviceCodeOpen', { body: { expiresMs: Math.round(options.expires) } })
  let answered = false
  try {
    show(session, opened)
    const asked = await whoAsks(session, opened.id)
    out.line('asked', { peer: asked.peer, name: asked.name })
    const question = `${printable(asked.name)} (${asked.peer}) asks to become a device that may ${options.grants.join(', ')}`
    out.note(question)
    if (session.io.stdin.isTTY === true && !(await confirmed(session, 'Is it yours?'))) return
    const made = await answer(session, { opened, asked }, options)
    answered = true
    const took = await taken(session, opened.id)
    out.line('summary', { ok: true, peer: asked.peer, ...made, grants: options.grants, taken: took })
    if (!out.json) out.print(out.good(`${made.name} is a device of this vault now`))
    if (!took) out.warn(`${made.name} has not fetched its keys yet; it has until ${opened.expires}`)
  } finally {
    if (!answered) await callOff(session, opened.id)
  }
}

function show({ out }: Session, { code, expires, warnings }: Opened): void {
  out.line('code', { code, expires })
  const { bold, dim } = out.paint
  if (!out.json) out.print(`${bold(code)}\n`)
  if (!out.json) out.note(`  ${dim('On the new machine:')} plexichat init --device-code`)
  if (!out.json)
    out.note(`  ${dim('It works once, and ends')} ${ago(expires, cliClock.now())}; this command waits for it`)
  for (const warning of warnings) out.warn(warning)
}

/** Waits until somebody proves to have the code. */
async function whoAsks(session: Session, id: string): Promise<NonNullable<State['asked']>> {
  for (;;) {
    const { asked } = await session.ask('deviceCode', { params: { id } })
    if (asked !== null) return asked
    await cliClock.sleep(LOOK_MS, session.signal)
  }
}

async function answer(
  session: Session,
  { opened, asked }: { opened: Opened; asked: NonNullable<State['asked']> },
  options: AddOptions,
): Promise<{ name: string; serial: number }> {
  const words = await wordsFor(session, options)
  const { peerId } = await session.ask('identity', {})
  const { vaultWithDevice, deviceCodeSecret } = await import('../daemon/index.ts')
  const secret = await deviceCodeSecret(opened.code)
  const ask: DeviceAsk = {
    host: peerKey(peerId),
    peer: peerKey(asked.peer),
    dh: fromBase64Url(asked.dh),
    name: asked.name,
  }
  const name = options.name ?? asked.name
  try {
    const made = await vaultWithDevice(words, { ask, secret, name, grants: options.grants })
    const [authority, terms] = [toBase64Url(made.authority), toBase64Url(made.terms)]
    const body = { authority, terms, welcome: toBase64Url(made.welcome) }
    await session.ask('deviceCodeAnswer', { params: { id: opened.id }, body })
    return { name, serial: made.serial }
  } finally {
    wipe(secret)
  }
}

/** False when the new device did not come back for it in time. */
async function taken(session: Session, id: string): Promise<boolean> {
  const end = cliClock.now() + TAKE_MS
  while (cliClock.now() < end) {
    if ((await session.ask('deviceCode', { params: { id } })).taken) return true
    await cliClock.sleep(LOOK_MS, session.signal)
  }
  return false
}

/** Also after an interrupt: nobody waits for this code any more. */
async function callOff(session: Session, id: string): Promise<void> {
  const client = await session.client()
  const signal = AbortSignal.timeout(2 * SECOND)
  await client.call('deviceCodeClose', { params: { id } }, { signal }).catch(() => undefined)
}
