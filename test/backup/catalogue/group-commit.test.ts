/** Group commit: one transaction for what is added at about the same time, in order, all or nothing. */
import t from 'tap'
import { GroupCommit } from '../../../src/backup/catalogue/group-commit.ts'
import { systemClock } from '../../../src/daemon/system/index.ts'

function counting() {
  const commits: number[] = []
  const done: string[] = []
  const commit = <T>(work: () => T): T => {
    const before = done.length
    try {
      const result = work()
      commits.push(done.length - before)
      return result
    } catch (error) {
      done.length = before
      throw error
    }
  }
  return { commits, done, group: new GroupCommit({ catalogue: { commit }, clock: systemClock }) }
}

t.test('what is added together is one commit, in order; what comes later is another', async (t) => {
  const { commits, done, group } = counting()
  const all = ['a', 'b', 'c'].map((name) => group.add(() => done.push(name)))
  t.same(done, [], 'nothing yet')
  await Promise.all(all)
  await group.add(() => done.push('d'))
  t.same(done, ['a', 'b', 'c', 'd'])
  t.same(commits, [3, 1])
})

t.test('a group fails together and the next one does not', async (t) => {
  const { commits, done, group } = counting()
  const first = group.add(() => done.push('a'))
  const second = group.add(() => {
    throw new Error('no room')
  })
  await Promise.all([t.rejects(first, { message: 'no room' }), t.rejects(second, { message: 'no room' })])
  t.same(done, [], 'all or nothing')
  await group.add(() => done.push('b'))
  t.same([done, commits], [['b'], [1]])
})
