/** A write-only device, added by a one-time code, on real sockets: what it may do, and what it may not. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fromBase64Url, toBase64Url } from '../../src/base/bytes.ts'
import { allGrants, type Grant } from '../../src/crypto/certificate.ts'
import { peerKey } from '../../src/crypto/ids.ts'
import { initByCode } from '../../src/daemon/identity/by-code.ts'
import { readKeystore } from '../../src/daemon/identity/keystore-file.ts'
import { revoked, rotated, withDevice } from '../../src/daemon/identity/vault-changes.ts'
import { systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { decodeDeviceCode } from '../../src/node/index.ts'
import { noise } from '../support/source-tree.ts'
import { endOf, eventually, Homes } from './homes.ts'

const deps = { random: systemRandom, clock: systemClock }
const signal = AbortSignal.timeout(120_000)

/** The owner's side of a code, as `identity add-device` does it. */
class Owner {
  readonly #homes: Homes
  readonly #name: string
  readonly #words: { vault: string; phrase: string }

  constructor(homes: Homes, name: string, words: { vault: string; phrase: string }) {
    this.#homes = homes
    this.#name = name
    this.#words = words
  }

  get client() {
    return this.#homes.client(this.#name)
  }

  async change(make: (words: { vault: string; phrase: string; record: Signed }) => Signed) {
    const { authority, terms } = make(await this.words())
    const body = { authority: toBase64Url(authority), terms: toBase64Url(terms) }
    return this.client.call('vaultRecordChange', { body })
  }

  async words() {
    const { authority, terms } = await this.client.call('vaultRecord', {})
    return { ...this.#words, record: { authority: fromBase64Url(authority), terms: fromBase64Url(terms) } }
  }

  /** Lets a new home become a device by a code. */
  async add(name: string, grants: readonly Grant[]) {
    const { id, code } = await this.client.call('deviceCodeOpen', { body: { expiresMs: 60_000 } })
    const request = { paths: this.#homes.paths(name), env: {}, code, name, offerBytes: 0 }
    const becoming = initByCode(request, { waiting: () => undefined }, signal)
    // Told below: a failure here must not go unheard in the meantime.
    becoming.catch(() => undefined)
    const asked = await eventually(
      async () => (await this.client.call('deviceCode', { params: { id } })).asked ?? undefined,
    )
    const { peerId } = await this.client.call('identity', {})
    const ask = { host: peerKey(peerId), peer: peerKey(asked.peer), dh: fromBase64Url(asked.dh), name: asked.name }
    const secret = decodeDeviceCode(code).token
    const made = withDevice({ ...(await this.words()), device: { ask, secret, name: asked.name, grants } }, deps)
    const [authority, terms, welcome] = [made.authority, made.terms, made.welcome].map(toBase64Url) as [
      string,
      string,
      string,
    ]
    await this.client.call('deviceCodeAnswer', { params: { id }, body: { authority, terms, welcome } })
    return { ...(await becoming), serial: made.serial }
  }
}

interface Signed {
  readonly authority: Uint8Array
  readonly terms: Uint8Array
}

t.test('a write-only device backs up, cannot read, and is refused once revoked', { timeout: 120_000 }, async (t) => {
  const homes = new Homes(t)
  const words = await homes.init('anna')
  await homes.init('bob')
  const { addresses } = (await homes.start('bob')).info
  await homes.start('anna', addresses)
  const anna = new Owner(homes, 'anna', words)
  const source = (name: string): string => join(homes.root, name)
  const fill = (name: string, bytes: number): void => {
    mkdirSync(source(name), { recursive: true })
    writeFileSync(join(source(name), 'file'), noise(name, bytes))
  }
  const backUp = async (who: string, name: string) => {
    fill(name, 1_200_000)
    return endOf(homes.client(who), await homes.client(who).call('backup', { body: { paths: [source(name)], name } }))
  }
  await anna.change((record) => rotated(record, deps))
  const nas = await anna.add('nas', ['store', 'head'])
  t.match(nas, { vault: words.vault, name: 'nas', grants: ['store', 'head'] })
  const keys = () => readKeystore(homes.paths('nas'), undefined, { disk: systemDisk, random: systemRandom })
  t.match(await keys(), { epochs: [{ epoch: 2 }], shared: { history: undefined } }, 'the newest epoch alone')
  await homes.start('nas')
  const client = homes.client('nas')
  t.match(await client.call('identity', {}), { epochs: 1, devices: 2, grants: ['store', 'head'] })
  t.match(await backUp('nas', 'nas-one'), { type: 'summary', queued: 0 })
  const again = await endOf(client, await client.call('backup', { body: { paths: [source('nas-one')] } }))
  t.match(again, { type: 'summary', queued: 0 })
  t.ok(again?.type === 'summary' && Number(again['newBytes']) < 100_000, 'it knows what it has stored')
  // Whoever may read restores what it stored.
  await eventually(async () => {
    await anna.client.call('deviceSync', { body: null })
    return (await anna.client.call('status', {})).snapshots === 2 ? true : undefined
  })
  const to = join(homes.root, 'out')
  const restore = await anna.client.call('snapshotRestore', { params: { ref: 'latest' }, body: { to } })
  t.match(await endOf(anna.client, restore), { type: 'summary', files: 1, failed: [] })
  t.ok(readFileSync(join(to, 'nas-one', 'file')).equals(readFileSync(join(source('nas-one'), 'file'))))

  // It may not itself, and says so.
  const own = await client.call('snapshotRestore', { params: { ref: 'latest' }, body: { to: join(homes.root, 'no') } })
  t.match(await endOf(client, own), { type: 'error', code: 'AUTH_GRANT_MISSING', exitCode: 17 })
  const snapshot = { ref: 'latest' }
  const cat = client.bytes('snapshotFile', { params: snapshot, query: { at: 'nas-one/file' } })
  await t.rejects(cat.next(), { code: 'AUTH_GRANT_MISSING', remedy: /identity devices/ })
  const jobs = [
    client.call('snapshotVerify', { params: snapshot, body: { readDataPercent: 100 } }),
    client.call('prune', { body: {} }),
  ]
  for (const job of jobs)
    t.match(await endOf(client, await job), { type: 'error', code: 'AUTH_GRANT_MISSING', exitCode: 17 })
  const verify = await client.call('snapshotVerify', { params: snapshot, body: {} })
  t.match(
    await endOf(client, verify),
    { type: 'summary', ok: true, bad: [] },
    'what it stored is checked without reading',
  )
  // Of the next epoch it gets the key, and the older one is gone.
  await anna.change((record) => rotated(record, deps))
  await eventually(async () => {
    await client.call('deviceSync', { body: null })
    return (await keys()).epochs[0]?.epoch === 3 ? true : undefined
  })
  t.match(await client.call('identity', {}), { epochs: 1 })
  t.match(await backUp('nas', 'nas-two'), { type: 'summary', queued: 0 })

  const told = await anna.change((record) => revoked({ ...record, serials: [nas.serial] }, deps))
  t.match(told, { epoch: 4, termsVersion: 2, missing: [] }, 'whoever may be asked to store something knows')
  fill('nas-three', 300_000)
  await client.call('backup', { body: { paths: [source('nas-three')] } })
  await eventually(async () =>
    (await client.call('status', {})).alarms.some(({ code }) => code === 'AUTH_REVOKED') ? true : undefined,
  )
  t.ok((await client.call('status', {})).queued > 0, 'nobody took what it made after that')
})

t.test('a full device by code holds every epoch', { timeout: 60_000 }, async (t) => {
  const homes = new Homes(t)
  const words = await homes.init('anna')
  await homes.start('anna', [])
  const anna = new Owner(homes, 'anna', words)
  await anna.change((record) => rotated(record, deps))
  const desk = await anna.add('desk', allGrants)
  t.match(desk.grants, allGrants)
  const keys = await readKeystore(homes.paths('desk'), undefined, { disk: systemDisk, random: systemRandom })
  t.match(keys, { epochs: [{ epoch: 1 }, { epoch: 2 }] })
  t.equal(keys.shared.history?.length, 32)
})

t.test('a code that is wrong, late or used is refused, and the home stays empty', { timeout: 60_000 }, async (t) => {
  const homes = new Homes(t)
  const words = await homes.init('anna')
  await homes.start('anna', [])
  const anna = new Owner(homes, 'anna', words)
  const join = (name: string, code: string) =>
    initByCode({ paths: homes.paths(name), env: {}, code, name }, { waiting: () => undefined }, signal)
  const { id, code } = await anna.client.call('deviceCodeOpen', { body: { expiresMs: 60_000 } })
  await t.rejects(join('nas', code.slice(0, -2)), { code: 'SECURITY_DEVICE_CODE', message: /completely/ })
  await anna.client.call('deviceCodeClose', { params: { id } })
  await t.rejects(join('nas', code), { code: 'SECURITY_DEVICE_CODE', message: /used up/ })
  await t.rejects(anna.client.call('deviceCode', { params: { id } }), { message: /called off/ })
  t.match(await anna.add('nas', ['store', 'head']), { name: 'nas' }, 'the home was left as it was')
  const { phrase } = await homes.init('other')
  const other = new Owner(homes, 'anna', { ...words, phrase })
  await t.rejects(other.add('nas-two', ['store', 'head']), { code: 'AUTH_PHRASE_MISMATCH' })
})
