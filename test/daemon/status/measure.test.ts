import t from 'tap'
import type { PeerKey } from '../../../src/crypto/ids.ts'
import { bytesByHost, holders, protectionOf, restorableShare, soleHolders } from '../../../src/daemon/status/measure.ts'

const set = (k: number, hosts: string[], stripes: number) => ({
  k,
  hosts: hosts as PeerKey[],
  rates: hosts.map(() => 0.98),
  stripes,
})

t.test('restorable counts stripes with k holders online', async (t) => {
  const stripes = [set(2, ['a', 'b', 'c'], 3), set(1, ['d'], 1)]
  t.equal(restorableShare(stripes, new Set(['a', 'c', 'd'])), 1)
  t.equal(restorableShare(stripes, new Set(['a', 'c'])), 0.75)
  t.equal(restorableShare(stripes, new Set(['a'])), 0)
  t.equal(restorableShare([], new Set()), null)
})

t.test('holders, who holds most first', async (t) => {
  t.same(holders([set(2, ['a', 'b'], 1), set(1, ['b', 'c'], 5)]), ['b', 'c', 'a'])
})

t.test('protection', async (t) => {
  const well = { published: true, holders: 5, alone: 0, onRemote: false, safe: 0.99999, target: 0.9999 }
  const base = { snapshots: 3, placed: 3, ...well }
  t.equal(protectionOf(base), 'yes')
  t.equal(protectionOf({ ...base, snapshots: 0, placed: 0 }), 'none')
  t.equal(protectionOf({ ...base, placed: 0, published: false }), 'local')
  t.equal(protectionOf({ ...base, holders: 0, published: false, onRemote: true, safe: 0 }), 'one-copy', 'on a disk')
  t.equal(protectionOf({ ...base, safe: 0.99, onRemote: true }), 'below-target', 'a remote is no host')
  t.equal(protectionOf({ ...base, placed: 0 }), 'below-target', 'older ones are out there')
  t.equal(protectionOf({ ...base, holders: 1, safe: 0.98 }), 'one-copy')
  t.equal(protectionOf({ ...base, alone: 1, safe: 0.98 }), 'one-copy', 'the loss of one host loses something')
  t.equal(protectionOf({ ...base, safe: 0.99 }), 'below-target')
  t.equal(protectionOf({ ...base, placed: 2 }), 'below-target', 'a snapshot on the way is not safe yet')
})

t.test('who alone holds something, and how much everybody keeps', async (t) => {
  const stripes = [set(1, ['a'], 3), set(1, ['a', 'b'], 2), set(2, ['c'], 1), { ...set(1, ['a', 'd'], 1), head: true }]
  t.same(soleHolders(stripes), ['a'], 'a part of a stripe is no copy')
  t.same(
    [...bytesByHost(stripes)],
    [
      ['a', 5 * 1_048_576],
      ['b', 2 * 1_048_576],
      ['c', 1_048_576],
    ],
  )
})
