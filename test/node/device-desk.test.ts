import t from 'tap'
import { MINUTE } from '../../src/base/clock.ts'
import { deviceCodeId, deviceProof } from '../../src/crypto/device-code.ts'
import { peerKeyOf, vaultId, type PeerKey } from '../../src/crypto/ids.ts'
import { signingKey } from '../../src/crypto/signature.ts'
import { CodeDesk, decodeDeviceCode, type DeviceCode } from '../../src/node/device-desk.ts'
import { becomeDevice, decodeInvite, rememberCircle } from '../../src/node/index.ts'
import { deviceCodeLimits } from '../../src/node/options.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { startNode } from './circle.ts'
import { ports, until } from './swarm.ts'

const random = seededRandom('device desk')
const peerOf = (seed: Uint8Array): PeerKey => peerKeyOf(signingKey(seed).publicKey)
const self = peerOf(random.bytes(32))
const signal = AbortSignal.timeout(60_000)
const answer = { welcome: random.bytes(300), authority: random.bytes(90_000), terms: random.bytes(200) }
const SECRET_ERROR = { code: 'SECURITY_DEVICE_CODE', message: /unknown, expired or used up/ }

function newDesk(): { desk: CodeDesk; clock: VirtualClock } {
  const clock = new VirtualClock(0)
  const addresses = () => [`/ip4/192.0.2.7/tcp/7421/p2p/${self}`]
  const circle = { circle: 'main', circleKey: undefined, vault: vaultId(random.bytes(32)) }
  return { desk: new CodeDesk({ clock, random, self, addresses, ...circle }), clock }
}

/** What a new device says when it has this code. */
function askWith({ token }: Pick<DeviceCode, 'token'>, change: { proof?: Uint8Array } = {}) {
  const keys = { peer: peerOf(random.bytes(32)), dh: random.bytes(32), name: 'NAS' }
  const proof = deviceProof(token, { host: self, ...keys })
  return { ...keys, code: deviceCodeId(token), proof, ...change }
}

t.test('a code is of use to the first that knows it, until it was answered and after', async (t) => {
  const { desk } = newDesk()
  const opened = desk.open(MINUTE)
  t.match(opened, { code: /^plexidev1/, expires: MINUTE, warnings: [] })
  const code = decodeDeviceCode(opened.code)
  t.throws(() => decodeInvite(opened.code), { code: 'SECURITY_INVITE' })
  t.throws(() => decodeDeviceCode(opened.code.slice(0, -1)), { code: 'SECURITY_DEVICE_CODE' })
  t.throws(() => desk.answer(opened.id, answer), { code: 'VALIDATION_USAGE' }, 'nobody asked')
  const asked = askWith(code)
  t.equal(desk.ask(asked), undefined)
  t.match(desk.state(opened.id), { asked: { peer: asked.peer, name: 'NAS' }, answered: false, taken: false })
  t.throws(() => desk.ask(askWith(code)), SECRET_ERROR, 'somebody else came too late')
  desk.answer(opened.id, answer)
  t.throws(() => desk.answer(opened.id, answer), { code: 'VALIDATION_USAGE' }, 'one answer')
  t.match(desk.state(opened.id), { answered: true, taken: false })
  t.same(desk.ask(asked), answer)
  t.same(desk.ask(asked), answer, 'again for who was cut off')
  t.match(desk.state(opened.id), { taken: true })
  t.throws(() => desk.ask(askWith(code)), SECRET_ERROR, 'it works once')
})

t.test('it expires, is called off, and makes room for the next one', async (t) => {
  const { desk, clock } = newDesk()
  const [first, second, third] = [desk.open(MINUTE), desk.open(MINUTE), desk.open(MINUTE)]
  const ended = (id: string, reason: RegExp): void => {
    t.throws(() => desk.state(id), { code: 'SECURITY_DEVICE_CODE', message: reason })
  }
  ended(first.id, /unknown/)
  ended(second.id, /another one/)
  t.throws(() => desk.ask(askWith(decodeDeviceCode(second.code))), SECRET_ERROR)
  desk.close(second.id)
  t.match(desk.state(third.id), { asked: undefined })
  desk.close(third.id)
  ended(third.id, /called off/)
  const late = desk.open(MINUTE)
  await clock.advance(MINUTE)
  t.throws(() => desk.ask(askWith(decodeDeviceCode(late.code))), SECRET_ERROR)
  ended(late.id, /expired/)
})

t.test('three wrong proofs end it; who does not know which code is open ends nothing', async (t) => {
  const { desk } = newDesk()
  const opened = desk.open(MINUTE)
  const code = decodeDeviceCode(opened.code)
  for (let i = 0; i < 10; i++) t.throws(() => desk.ask(askWith({ token: random.bytes(16) })), SECRET_ERROR)
  for (let i = 0; i < 2; i++) t.throws(() => desk.ask(askWith(code, { proof: random.bytes(32) })), SECRET_ERROR)
  t.equal(desk.ask(askWith(code)), undefined)
  const stolen = { ...askWith(code), peer: peerOf(random.bytes(32)) }
  t.throws(() => desk.ask(stolen), SECRET_ERROR, "a proof is worth nothing on somebody else's connection")
  t.throws(() => desk.state(opened.id), { message: /too many wrong attempts/ })
})

/** Asks again at once: tests have no second to lose. */
const sleep = (ms: number, s?: AbortSignal) => ports.clock.sleep(ms === deviceCodeLimits.askEveryMs ? 20 : ms, s)
const hasty = { ...ports.clock, sleep }

function asking(text: string) {
  const peerSeed = random.bytes(32)
  const keys = { peer: peerOf(peerSeed), dh: random.bytes(32), name: 'NAS' }
  let waits = 0
  const waiting = (): void => {
    waits++
  }
  const done = becomeDevice({ ...keys, peerSeed, code: decodeDeviceCode(text) }, { clock: hasty, waiting }, signal)
  done.catch(() => undefined)
  return { done, keys, waits: () => waits }
}

t.test('over real sockets, also into a circle with a key', async (t) => {
  for (const options of [{}, { circle: 'club', circleKey: random.bytes(32) }]) {
    const node = await startNode(t, options)
    const { id, code } = node.deviceCodes.open(MINUTE)
    const nas = asking(code)
    await until(() => nas.waits() > 0)
    t.match(node.deviceCodes.state(id), { asked: nas.keys })
    const thief = asking(code)
    await t.rejects(thief.done, SECRET_ERROR)
    node.deviceCodes.answer(id, answer)
    t.same(await nas.done, answer)
    t.match(node.deviceCodes.state(id), { taken: true })
    const home = { peersDb: `${t.testdir()}/peers.db`, ...ports }
    await rememberCircle(decodeDeviceCode(code), home)
    await node.stop()
    await t.rejects(asking(code).done, { code: /NETWORK_UNREACHABLE|NETWORK_TIMEOUT/ })
  }
})
