/**
 * `identity devices`, `revoke`, `rotate` and `check`: the words are used in this process alone; the daemon gets what they
 * signed.
 */
import { fromBase64Url, toBase64Url } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import { peerKey } from '../crypto/ids.ts'
import type { RouteItem } from '../api/index.ts'
import { cliClock } from './clock.ts'
import { ago, counted } from './format.ts'
import type { Session } from './session.ts'
import { confirmed, readWords } from './words.ts'

export interface WordOptions {
  readonly phraseFile?: string
}

type Listed = RouteItem<'devices'>

export async function listDevices(session: Session, options: { sync?: boolean }): Promise<void> {
  if (options.sync === true) await session.ask('deviceSync', {})
  const devices = await session.askList('devices', {})
  const { table } = await import('./table.ts')
  session.out.document({ devices }, () =>
    table(
      session.out,
      ['device', 'peer', 'may', 'last backup', ''],
      devices.map((device) => [
        device.name,
        `${device.peer.slice(0, 12)}…`,
        device.grants.join(', '),
        device.headTime === null ? '–' : ago(device.headTime, cliClock.now()),
        noteOf(device),
      ]),
    ),
  )
}

export async function rotate(session: Session, options: WordOptions): Promise<void> {
  const words = await wordsFor(session, options)
  const { rotatedVault } = await import('../daemon/index.ts')
  const done = await send(session, await rotatedVault(words))
  session.out.document({ ok: true, ...done }, () =>
    session.out.good(`Epoch ${String(done.epoch)} has begun; what is stored from now on is sealed under a new key`),
  )
}

export async function revoke(session: Session, name: string, options: WordOptions): Promise<void> {
  const devices = await session.askList('devices', {})
  const device = named(devices, name)
  if (device.current)
    throw new PlexiError('VALIDATION_USAGE', { reason: 'a device does not revoke itself: use another one, or recover' })
  if (device.revoked) throw new PlexiError('VALIDATION_USAGE', { reason: `${device.name} is revoked already` })
  if (
    session.io.stdin.isTTY === true &&
    !(await confirmed(session, `${device.name} loses its rights for good. Go on?`))
  )
    return
  const words = await wordsFor(session, options)
  const { revokedVault } = await import('../daemon/index.ts')
  const done = await send(session, await revokedVault(words, [device.serial]))
  session.out.document({ ok: true, revoked: [device.serial], device: device.peer, name: device.name, ...done }, () =>
    session.out.good(`${device.name} is revoked: ${counted(done.told, 'host')} refuse it from now on`),
  )
  if (done.missing.length > 0)
    session.out.warn(`${counted(done.missing.length, 'host')} did not answer and will be told when they are back`)
}

/** Do these words belong to this vault? They also end the stop after a second fork. */
export async function check(session: Session, options: WordOptions): Promise<void> {
  // Who this vault is comes first: nobody should type 24 words in vain.
  const { vault, peerId } = await session.ask('identity', {})
  const { forked } = await session.ask('vaultRecord', {})
  const phrase = await readWords(session, options.phraseFile)
  const { checkWords, unlockProof } = await import('../daemon/index.ts')
  await checkWords({ phrase, vault })
  if (forked) {
    const proof = await unlockProof({ phrase, vault }, peerKey(peerId))
    await session.ask('deviceUnlock', { body: { proof: toBase64Url(proof) } })
  }
  const result = { ok: true, vault, ...(forked ? { unlocked: true } : {}) }
  session.out.document(result, () => session.out.good('These words belong to this vault'))
}

/** By name, serial, or an unambiguous start of the peer id. */
function named(devices: readonly Listed[], name: string): Listed {
  const exact = devices.filter((device) => device.name === name || String(device.serial) === name)
  const fitting = exact.length > 0 ? exact : devices.filter(({ peer }) => peer.startsWith(name))
  const alive = fitting.filter((device) => !device.revoked)
  const [only, second] = alive.length > 0 ? alive : fitting
  if (only === undefined)
    throw new PlexiError('STORAGE_NOT_FOUND', { what: `device ${name}` }, { remedy: 'plexichat identity devices' })
  if (second !== undefined)
    throw new PlexiError('VALIDATION_USAGE', {
      reason: `several devices are called ${name}: give the serial or peer id`,
    })
  return only
}

/** Asks for the words, to be used on the vault's newest record. */
export async function wordsFor(session: Session, options: WordOptions) {
  const { vault } = await session.ask('identity', {})
  const { authority, terms } = await session.ask('vaultRecord', {})
  const phrase = await readWords(session, options.phraseFile)
  return { vault, phrase, record: { authority: fromBase64Url(authority), terms: fromBase64Url(terms) } }
}

function send(session: Session, made: { authority: Uint8Array; terms: Uint8Array }) {
  const body = { authority: toBase64Url(made.authority), terms: toBase64Url(made.terms) }
  return session.ask('vaultRecordChange', { body })
}

function noteOf(device: Listed): string {
  if (device.revoked) return 'revoked'
  return device.current ? 'this one' : device.writeOnly ? 'write-only' : ''
}
