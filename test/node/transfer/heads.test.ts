import t from 'tap'
import { signingKey } from '../../../src/crypto/signature.ts'
import { peerKeyOf, type PeerKey, type VaultId } from '../../../src/crypto/ids.ts'
import { defaultLimits } from '../../../src/node/options.ts'
import type { HeadDirectory } from '../../../src/node/dht/head-directory.ts'
import { Heads } from '../../../src/node/transfer/heads.ts'
import type { HostCalls } from '../../../src/node/transfer/host-calls.ts'
import { signNotice, type FoundHead, type GroupHost } from '../../../src/shard/index.ts'
import { ports } from '../swarm.ts'

const signal = AbortSignal.timeout(10_000)
const key = signingKey(new Uint8Array(32).fill(7))
const device = peerKeyOf(key.publicKey)
const vault = new Uint8Array(32).fill(9) as VaultId
const nothing = new Uint8Array(0)

function host(n: number): GroupHost {
  return { peer: peerKeyOf(new Uint8Array(32).fill(n)), addresses: [] }
}

function found(source: PeerKey, seq: number): FoundHead {
  const notice = signNotice(key, {
    v: 1,
    vault,
    device,
    seq,
    prev: seq === 1 ? null : new Uint8Array(32),
    sealedHash: new Uint8Array(32),
    serial: 1,
  })
  return { source, bundle: { notice, authority: nothing, terms: nothing, sealed: nothing } }
}

function heads(answer: (host: GroupHost) => FoundHead[], pointed: readonly GroupHost[] = []) {
  const allowed: string[] = []
  const book = new Heads(defaultLimits, {
    ...ports,
    calls: { getHeads: async (from) => answer(from) } as Partial<HostCalls> as HostCalls,
    links: { rest: () => undefined, resting: () => false },
    directory: { find: async () => [{ made: 1, hosts: pointed }] } as Partial<HeadDirectory> as HeadDirectory,
    policy: { allow: (address) => void allowed.push(address) },
    rendezvous: new Uint8Array(32),
  })
  return { book, allowed }
}

void t.test('hosts that push heads by the dozen hide none of the others', async (t) => {
  const hosts = Array.from({ length: 12 }, (_, i) => host(i + 1))
  const honest = hosts.at(-1)!
  const { book } = heads((from) =>
    from === honest
      ? [found(from.peer, 3), found(from.peer, 41), found(from.peer, 7)]
      : Array.from({ length: 64 }, (_, i) => found(from.peer, i + 1)),
  )
  const all = await book.collect(hosts, signal)
  t.ok(all.length <= 256, `${all.length} heads are kept`)
  t.equal(all.filter((head) => head.source === honest.peer).length, 3)
})

void t.test('what is left of one host are its newest', async (t) => {
  const hosts = Array.from({ length: 128 }, (_, i) => host(i + 1))
  const { book } = heads((from) => Array.from({ length: 5 }, (_, i) => found(from.peer, [3, 9, 1, 8, 2][i]!)))
  const all = await book.collect(hosts, signal)
  t.equal(all.length, 256)
  const first = all.filter((head) => head.source === hosts[77]!.peer)
  t.same(
    first.map((head) => head.bundle.notice),
    [found(hosts[77]!.peer, 9), found(hosts[77]!.peer, 8)].map((head) => head.bundle.notice),
  )
})

void t.test('what the vault itself says of its hosts may be dialled', async (t) => {
  const far = { ...host(1), addresses: ['/dns4/home.example/tcp/7421'] }
  const { book, allowed } = heads(() => [], [far])
  t.same(await book.pointers(signal), [far])
  t.same(allowed, far.addresses)
})
