import fc from 'fast-check'
import t from 'tap'
import { DAY } from '../../src/base/clock.ts'
import { vaultId } from '../../src/crypto/ids.ts'
import { CircleBook } from '../../src/node/circles.ts'
import { decodeInvite, encodeInvite, InviteBook, type Invite } from '../../src/node/invites.ts'
import { openPeersDatabase } from '../../src/node/peers/database.ts'
import { ports } from './swarm.ts'

const invite: Invite = {
  circle: 'main',
  addresses: ['/ip4/192.0.2.7/tcp/7421/p2p/12D3KooWGYLhBYHkHfMMPSgfDTCDEZCX2n1JuGqEN8Rk1Sj8XjNx'],
  vault: vaultId(new Uint8Array(32).fill(1)),
  token: new Uint8Array(16).fill(2),
}

void t.test('a code carries everything and survives white space', async (t) => {
  t.match(encodeInvite(invite), /^plexi1[\w-]+$/)
  t.same(decodeInvite(`  ${encodeInvite(invite)}\n`), invite)
  const closed = { ...invite, key: new Uint8Array(32).fill(3) }
  t.same(decodeInvite(encodeInvite(closed)), closed)
  const crowd = { ...invite, addresses: Array.from({ length: 20 }, (_, i) => `/ip4/192.0.2.${i}/tcp/1`) }
  t.equal(decodeInvite(encodeInvite(crowd)).addresses.length, 8)
})

void t.test('a code with any character wrong, missing or added is refused', async () => {
  const code = encodeInvite(invite)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  fc.assert(
    fc.property(
      fc.nat(code.length - 1),
      fc.constantFrom(...alphabet.split('')),
      fc.constantFrom('swap', 'cut', 'add'),
      (at, character, how) => {
        if (how === 'swap' && code[at] === character) return true
        const tail = how === 'add' ? code.slice(at) : code.slice(at + 1)
        const wrong = code.slice(0, at) + (how === 'cut' ? '' : character) + tail
        try {
          decodeInvite(wrong)
          return wrong === code
        } catch (error) {
          return (error as { code?: string }).code === 'SECURITY_INVITE'
        }
      },
    ),
    { numRuns: 500 },
  )
})

void t.test('a token is good for its uses and its time', async (t) => {
  const database = await openPeersDatabase(':memory:', ports.disk)
  t.teardown(() => database.close())
  let now = 1_000_000
  const book = new InviteBook({ database, random: ports.random, clock: { ...ports.clock, now: () => now } })
  const { token } = book.open({ uses: 2, expiresMs: DAY })
  t.match(book.list(), [{ created: now, expires: now + DAY, uses: 2, used: 0 }])
  t.notOk(book.redeem(new Uint8Array(16)))
  t.ok(book.redeem(token))
  t.ok(book.redeem(token))
  t.notOk(book.redeem(token))
  const late = book.open({ uses: 1, expiresMs: DAY })
  now += DAY + 1
  t.notOk(book.redeem(late.token))
  t.same(book.list(), [])
  t.throws(() => book.open({ uses: 0, expiresMs: DAY }), { code: 'VALIDATION_USAGE' })
})

void t.test('circles: created with or without a key, listed, joined again, left', async (t) => {
  const database = await openPeersDatabase(':memory:', ports.disk)
  t.teardown(() => database.close())
  const book = new CircleBook({ database, random: ports.random, clock: ports.clock })
  const open = book.create({ closed: false })
  const closed = book.create({ closed: true })
  t.match(open.id, /^[0-9a-f]{32}$/)
  t.equal(open.key, undefined)
  t.equal(closed.key?.length, 32)
  t.same(
    book
      .list()
      .map((circle) => circle.id)
      .sort(),
    [open.id, closed.id].sort(),
  )
  const again = book.add({ id: closed.id, bootstrap: ['/ip4/192.0.2.1/tcp/1'] })
  t.same(again.key, closed.key, 'joining again keeps the key')
  t.ok(book.leave(open.id))
  t.notOk(book.leave(open.id))
  t.throws(() => book.add({ id: 'no/slash', bootstrap: [] }), { code: 'VALIDATION_FORMAT' })
})
