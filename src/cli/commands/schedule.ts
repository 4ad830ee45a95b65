/** `schedule`: sources that are backed up by themselves. */
import { Command, Option } from 'commander'
import type { Run, Schedule } from '../../api/index.ts'
import { durationOption, given, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, duration, timestamp } from '../format.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  const schedule = new Command('schedule')
  schedule.command('ls', { isDefault: true }).description('all schedules').action(cli.action(list))
  schedule
    .command('add')
    .description('back up a source by a cron expression')
    .argument('<source>', 'as in: plexichat source ls')
    .argument('<cron...>', 'minute hour day month weekday, such as "30 2 * * *"; or @hourly, @daily, @weekly, @monthly')
    .option('--zone <zone>', 'time zone such as Europe/Berlin; otherwise that of the daemon')
    .addOption(new Option('--jitter <duration>', 'begin up to this much later, by chance').argParser(durationOption))
    .option('--forget', "apply the source's policy after each good run")
    .option('--prune', 'with --forget: free what nothing needs any more')
    .option('--paused', 'do not begin yet')
    .action(cli.action(add))
  for (const [name, description, action] of [
    ['show', 'one schedule with its newest runs', show],
    ['rm', 'remove one', remove],
    ['run', 'run it now, whatever its plan', run],
    ['pause', 'run it no longer for now', pause],
    ['resume', 'run it again; what was missed is not made up for', resume],
  ] as const)
    schedule.command(name).description(description).argument('<id>').action(cli.action(action))
  return schedule
}

async function list(session: Session): Promise<void> {
  const schedules = await session.askList('schedules', {})
  const { table } = await import('../table.ts')
  session.out.document({ schedules }, () => {
    if (schedules.length === 0) return 'No schedules; to make one: plexichat schedule add SOURCE "30 2 * * *"'
    const rows = schedules.map((item) => [item.id, item.source, `${item.cron} ${item.zone}`, next(item), last(item)])
    return table(session.out, ['id', 'source', 'when', 'next', 'last run'], rows)
  })
}

interface AddOptions {
  readonly zone?: string
  readonly jitter?: number
  readonly forget?: boolean
  readonly prune?: boolean
  readonly paused?: boolean
}

async function add(session: Session, ...[source, cron, options]: [string, string[], AddOptions]): Promise<void> {
  const { zone, jitter: jitterMs, paused } = options
  const afterwards = options.prune === true ? 'prune' : options.forget === true ? 'forget' : 'nothing'
  // Unquoted, the shell has taken the expression apart.
  const body = { source, cron: cron.join(' '), afterwards, ...given({ zone, jitterMs, paused }) } as const
  const made = await session.ask('scheduleAdd', { body })
  session.out.document(made, () => session.out.good(`${made.id}: ${made.source}, next ${next(made)}`))
}

async function show(session: Session, id: string): Promise<void> {
  const item = await session.ask('schedule', { params: { id } })
  const { table } = await import('../table.ts')
  session.out.document(item, () => {
    const head = `${item.id}: ${item.source} at ${item.cron} ${item.zone}, next ${next(item)}`
    const rows = item.runs.map((run) => [timestamp(run.begun), run.state, spent(run), run.job ?? '', run.text ?? ''])
    return rows.length === 0
      ? head
      : `${head}\n\n${table(session.out, ['begun (UTC)', 'how', '>took', 'job', ''], rows)}`
  })
}

async function remove(session: Session, id: string): Promise<void> {
  await session.ask('scheduleRemove', { params: { id } })
  session.out.document({ ok: true, id }, () => session.out.good(`${id} is removed`))
}

async function run(session: Session, id: string): Promise<void> {
  const job = await session.ask('scheduleRun', { params: { id } })
  session.out.document(job, () => session.out.good(`begun; to watch it: plexichat jobs attach ${job.id}`))
}

function pause(session: Session, id: string): Promise<void> {
  return change(session, id, true)
}

function resume(session: Session, id: string): Promise<void> {
  return change(session, id, false)
}

async function change(session: Session, id: string, paused: boolean): Promise<void> {
  const item = await session.ask('scheduleChange', { params: { id }, body: { paused } })
  session.out.document(item, () => session.out.good(`${item.id}: ${item.source}, next ${next(item)}`))
}

function next({ paused, nextRun }: Schedule): string {
  return paused ? 'paused' : ago(nextRun, cliClock.now())
}

function last({ lastRun }: Schedule): string {
  return lastRun === null ? 'never' : `${lastRun.state} ${ago(lastRun.begun, cliClock.now())}`
}

function spent({ begun, ended }: Run): string {
  return ended === null ? '' : duration(Date.parse(ended) - Date.parse(begun))
}
