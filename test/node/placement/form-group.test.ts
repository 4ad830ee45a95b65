import fc from 'fast-check'
import t from 'tap'
import { peerKeyOf } from '../../../src/crypto/ids.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import { uint32 } from '../../../src/base/bytes.ts'
import { diverse, drawOrder, eligible, type Candidate } from '../../../src/node/placement/candidates.ts'
import { chooseMembers, formGroup, stillGood } from '../../../src/node/placement/form-group.ts'
import { MAX_STANDBYS } from '../../../src/node/placement/group-book.ts'
import { chooseShape, groupId, SHARD_BYTES } from '../../../src/shard/index.ts'

function candidate(number: number, traits: Partial<Candidate> = {}): Candidate {
  return {
    peer: peerKeyOf(sha256(uint32(number))),
    addresses: [`/ip4/127.0.0.1/tcp/${1_000 + number}`],
    vault: undefined,
    vouched: true,
    stamped: false,
    accepting: true,
    freeBytes: 100 * SHARD_BYTES,
    ip: undefined,
    local: true,
    score: 1,
    availability: 1,
    speed: 1,
    ...traits,
  }
}

const many = (count: number, traits: (number: number) => Partial<Candidate> = () => ({})): Candidate[] =>
  Array.from({ length: count }, (_, number) => candidate(number, traits(number)))

const seed = groupId(new Uint8Array(16).fill(7))
const seeds = fc.uint8Array({ minLength: 16, maxLength: 16 })

void t.test('shape and spares follow the ladder when everybody is local', async (t) => {
  for (let hosts = 0; hosts <= 40; hosts++) {
    const group = formGroup(many(hosts), seed)
    const shape = chooseShape(hosts)
    t.equal(group?.k, shape?.k, `${hosts} hosts`)
    t.equal(group?.n, shape?.n)
    if (group === undefined) continue
    t.equal(group.slots.length, group.n)
    t.equal(group.returnRates.length, group.n)
    t.equal(group.standbys.length, Math.min(hosts - group.n, MAX_STANDBYS))
    t.equal(group.version, 1)
  }
})

void t.test('the same seed and people give the same group in whatever order they come', async () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 25 }), fc.infiniteStream(fc.nat()), (bytes, count, order) => {
      const people = many(count)
      const shuffled = people.map((each) => ({ each, at: order.next().value as number }))
      shuffled.sort((a, b) => a.at - b.at)
      const id = groupId(bytes)
      const left = formGroup(people, id)
      const right = formGroup(
        shuffled.map(({ each }) => each),
        id,
      )
      return JSON.stringify(left) === JSON.stringify(right)
    }),
  )
})

void t.test('one more candidate moves nobody else', async () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 30 }), (bytes, count) => {
      const before = drawOrder(many(count), bytes).map((each) => each.peer)
      const after = drawOrder(many(count + 1), bytes).map((each) => each.peer)
      const added = candidate(count).peer
      return JSON.stringify(after.filter((peer) => peer !== added)) === JSON.stringify(before)
    }),
  )
})

void t.test('nobody is in a group twice, and only who is eligible is in it', async () => {
  fc.assert(
    fc.property(
      seeds,
      fc.array(fc.constantFrom('fine', 'full', 'stranger', 'paused'), { maxLength: 30 }),
      (bytes, kinds) => {
        const people = kinds.map((kind, number) =>
          candidate(number, {
            ...(kind === 'full' ? { freeBytes: SHARD_BYTES - 1 } : {}),
            ...(kind === 'stranger' ? { vouched: false } : {}),
            ...(kind === 'paused' ? { accepting: false } : {}),
          }),
        )
        const group = formGroup(people, groupId(bytes))
        const members = group === undefined ? [] : [...group.slots.map((slot) => slot.host), ...group.standbys]
        const fine = new Set(people.filter(eligible).map((each) => each.peer))
        return (
          new Set(members.map((host) => host.peer)).size === members.length &&
          members.every((host) => fine.has(host.peer)) &&
          (group === undefined) === (fine.size === 0)
        )
      },
    ),
  )
})

void t.test('strangers: no address group and no owner holds k shards of a stripe', async () => {
  const stranger = fc.record({ group: fc.nat(12), host: fc.integer({ min: 1, max: 254 }), vault: fc.nat(20) })
  fc.assert(
    fc.property(seeds, fc.array(stranger, { maxLength: 60 }), (bytes, people) => {
      const all = people.map((each, number) =>
        candidate(number, {
          vouched: false,
          stamped: true,
          local: false,
          ip: `20.${each.group}.${each.host}.${number % 250}`,
          vault: String(each.vault),
        }),
      )
      const formation = chooseMembers(all, bytes)
      if (formation === undefined) return all.length === 0
      const { k, n } = formation
      const cap = Math.max(1, Math.min(k - 1, Math.floor((n - k) / 2)))
      const slots = formation.members.slice(0, n)
      const worst = (of: (each: Candidate) => string | undefined): number =>
        Math.max(...slots.map((each) => slots.filter((other) => of(other) === of(each)).length))
      return (
        slots.length === n &&
        worst((each) => each.ip?.split('.').slice(0, 2).join('.')) <= cap &&
        worst((each) => each.vault) <= cap
      )
    }),
  )
})

void t.test('vouched peers: one household once; local ones are exempt', async (t) => {
  const home = many(6, () => ({ local: false, ip: '203.0.114.9' }))
  t.equal(chooseMembers(home, seed)?.members.length, 1)
  t.equal(
    diverse(
      many(6, () => ({ ip: '127.0.0.1' })),
      { k: 2, n: 5 },
    ).length,
    6,
  )
  const v6 = [
    candidate(1, { local: false, ip: '2001:470:1:100::1' }),
    candidate(2, { local: false, ip: '2001:470:1:1ff::2' }),
    candidate(3, { local: false, ip: '2001:470:1:200::3' }),
  ]
  t.equal(diverse(v6, { k: 1, n: 3 }).length, 2, 'a /56 is one household')
})

void t.test('identities of one address group share one weight', async (t) => {
  let honest = 0
  for (let round = 0; round < 400; round++) {
    const crowd = many(50, (number) => ({
      vouched: false,
      stamped: true,
      local: false,
      ip: number === 0 ? '20.1.0.1' : `20.2.0.${number}`,
    }))
    if (drawOrder(crowd, uint32(round))[0]?.ip === '20.1.0.1') honest++
  }
  t.ok(honest > 140 && honest < 260, `one in two, not one in fifty: ${honest} of 400`)
})

void t.test('a group is kept until a larger code fits or too few of it answer', async (t) => {
  const people = many(8)
  const group = formGroup(people, seed)
  t.ok(group)
  if (group === undefined) return
  t.equal(group.n, 5)
  const judge = (now: Candidate[]): boolean => stillGood(group, now, chooseMembers(now, seed))
  t.ok(judge(people))
  t.ok(judge(people.slice(0, 5)), 'five of eight still take a stripe')
  t.notOk(judge(many(12)), 'twelve hosts allow 3 of 10')
  const slots = new Set(group.slots.map((slot) => slot.host.peer))
  const two = people.filter((each) => slots.has(each.peer)).slice(0, 2)
  t.notOk(judge(two), 'two are less than k+1')
  t.ok(judge([]), 'nobody is there: the old group is all there is')
})
