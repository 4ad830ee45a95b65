/** `jobs`: long work on the daemon; it goes on whoever watches. */
import { Command } from 'commander'
import type { Job } from '../../api/index.ts'
import type { Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, size } from '../format.ts'
import { followJob } from '../job-follow.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  const jobs = new Command('jobs')
  jobs.command('ls', { isDefault: true }).description('all jobs, newest first').action(cli.action(list))
  jobs.command('show').description('one job').argument('<id>').action(cli.action(show))
  jobs.command('attach').description('follow a job to its end').argument('<id>').action(cli.action(attach))
  jobs.command('cancel').description('ask a job to stop').argument('<id>').action(cli.action(cancel))
  return jobs
}

async function list(session: Session): Promise<void> {
  const jobs = await session.askList('jobs', {})
  const { table } = await import('../table.ts')
  session.out.document({ jobs }, () => {
    if (jobs.length === 0) return 'No jobs'
    const rows = jobs.map((job) => [job.id, job.kind, job.state, ago(job.created, cliClock.now()), job.title])
    return table(session.out, ['job', 'kind', 'state', 'created', 'what'], rows)
  })
}

async function show(session: Session, id: string): Promise<void> {
  const job = await session.ask('job', { params: { id } })
  await print(session, job)
}

async function attach(session: Session, id: string): Promise<number> {
  const job = await session.ask('job', { params: { id } })
  const followed = await followJob(session, job, { onInterrupt: 'detach' })
  if (followed.end !== 'done') return 1
  session.out.line('summary', { job: job.id, ...followed.summary })
  if (!session.out.json) await print(session, followed.job)
  return 0
}

async function cancel(session: Session, id: string): Promise<void> {
  const job = await session.ask('jobCancel', { params: { id } })
  await print(session, job)
}

async function print(session: Session, job: Job): Promise<void> {
  const { pairs } = await import('../table.ts')
  session.out.document(job, () => {
    const rows: [string, string][] = [
      ['job', job.id],
      ['kind', job.kind],
      ['state', job.state],
      ['what', job.title],
      ['created', ago(job.created, cliClock.now())],
    ]
    if (job.progress !== null) rows.push(['progress', `${job.progress.phase}: ${size(job.progress.bytes)}`])
    if (job.error !== null) rows.push(['error', `${job.error.code}: ${job.error.message}`], ['fix', job.error.remedy])
    for (const [name, value] of Object.entries(job.summary ?? {}))
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        rows.push([name, String(value)])
    return pairs(session.out, rows)
  })
}
