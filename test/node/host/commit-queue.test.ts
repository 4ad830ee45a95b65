import t from 'tap'
import { type CommitJob, CommitQueue } from '../../../src/node/host/commit-queue.ts'
import type { HostMetadata } from '../../../src/node/host/metadata.ts'

function queueWith(commit: () => Promise<void>, bounds = { maxCommitJobs: 4, maxWaitingJobs: 8 }) {
  const log: string[] = []
  const queue = new CommitQueue(bounds, {
    disk: {
      syncDirectory: (path) => {
        log.push(`sync ${String(path)}`)
        return Promise.resolve()
      },
    },
    metadata: {
      commit: () => {
        log.push('commit')
        return commit()
      },
    } as unknown as HostMetadata,
    reload: () => {
      log.push('reload')
      return Promise.resolve()
    },
  })
  const job =
    (name: string, outcome?: Error): CommitJob<string> =>
    (round) => {
      log.push(name)
      if (outcome !== undefined) return Promise.reject(outcome)
      round.syncDirectory('/vault')
      return Promise.resolve(name)
    }
  return { queue, log, job }
}

t.test('jobs that wait together share one round, in their order', async (t) => {
  const { queue, log, job } = queueWith(() => Promise.resolve())
  t.same(await Promise.all(['a', 'b', 'c'].map((name) => queue.submit(job(name)))), ['a', 'b', 'c'])
  t.same(log, ['a', 'b', 'c', 'sync /vault', 'commit'])
})

t.test('a job that refuses does not take the others down', async (t) => {
  const { queue, job } = queueWith(() => Promise.resolve())
  const outcomes = await Promise.allSettled([queue.submit(job('a', new Error('no'))), queue.submit(job('b'))])
  t.match(outcomes, [{ status: 'rejected' }, { status: 'fulfilled', value: 'b' }])
})

t.test('when the batch fails, nobody is told it was done, and memory is read back', async (t) => {
  const { queue, log, job } = queueWith(() => Promise.reject(new Error('disk')))
  const outcomes = await Promise.allSettled([queue.submit(job('a')), queue.submit(job('b'))])
  t.match(outcomes, [{ status: 'rejected' }, { status: 'rejected' }])
  t.equal(log.at(-1), 'reload')
})

t.test('the queue is bounded', async (t) => {
  const { queue, job } = queueWith(() => Promise.resolve(), { maxCommitJobs: 1, maxWaitingJobs: 2 })
  const kept = [queue.submit(job('a')), queue.submit(job('b'))]
  await t.rejects(queue.submit(job('c')), { code: 'NETWORK_BUSY' })
  await Promise.all(kept)
  t.equal(await queue.submit(job('d')), 'd')
  await queue.idle()
})
