import t from 'tap'
import { ageText, names, percent, statusSentence, type Standing } from '../../../src/daemon/status/sentence.ts'

const base: Standing = {
  protected: 'yes',
  snapshots: 12,
  waiting: 0,
  safe: 0.999998,
  target: 0.9999,
  holders: ["Bob's NAS", 'Anna', 'x', 'y'],
  alone: [],
  eligible: 4,
  remotes: [],
  ageMs: 7_200_000,
}

t.test('one sentence for each standing, naming people', async (t) => {
  t.equal(
    statusSentence(base),
    "All 12 snapshots safe (99.9998 %) on Bob's NAS, Anna and 2 others; last backup 2 hours ago",
  )
  const one = { ...base, protected: 'one-copy', holders: ["Bob's NAS"], snapshots: 1, ageMs: 1_000 } as const
  t.equal(
    statusSentence(one),
    "One copy of 1 snapshot, on Bob's NAS; a second friend makes it safe; last backup just now",
  )
  t.match(
    statusSentence({ ...base, protected: 'one-copy', alone: ['Anna'] }),
    /^Part of 12 snapshots has one copy only, on Anna;/,
  )
  const disk = { path: '/mnt/disk', there: true, complete: true, full: false }
  t.equal(
    statusSentence({ ...base, protected: 'one-copy', holders: [], remotes: [disk], ageMs: 1_000 }),
    'One copy of 12 snapshots; a friend makes it safe: plexichat invite; a copy is on /mnt/disk; last backup just now',
  )
  t.match(statusSentence({ ...base, remotes: [{ ...disk, there: false }] }), /; a copy is away, on \/mnt\/disk;/)
  t.match(statusSentence({ ...base, remotes: [{ ...disk, complete: false }] }), /; \/mnt\/disk is being filled;/)
  t.match(statusSentence({ ...base, remotes: [{ ...disk, complete: false, full: true }] }), /; \/mnt\/disk is full;/)
  t.match(statusSentence({ ...base, protected: 'none', snapshots: 0 }), /plexichat backup/)
  t.match(statusSentence({ ...base, protected: 'local', eligible: 0 }), /this machine only.*plexichat invite/)
  t.match(statusSentence({ ...base, protected: 'local', eligible: 2 }), /on the way to 2 hosts/)
  t.match(
    statusSentence({ ...base, protected: 'below-target', safe: 0.98, waiting: 1 }),
    /^What was backed up last is still.*98\.0 %/,
  )
})

t.test('numbers and names', async (t) => {
  t.equal(percent(0.9999999), '99.99999 %')
  t.equal(percent(0.98), '98.0 %')
  t.equal(percent(0.99996), '99.996 %')
  t.equal(percent(1), '100 %')
  t.equal(percent(0), '0.0 %')
  t.equal(percent(null), 'unknown')
  t.equal(percent(1 - 1e-12), '99.999999999 %', 'never rounded up to certainty')
  t.equal(names([]), 'nobody')
  t.equal(names(['a', 'b', 'c']), 'a, b and c')
  t.equal(ageText(86_400_000 * 3), '3 days ago')
})
