/** `demo`: a throw-away network of real daemons on this machine, told as a short story. Needs no home and no daemon. */
import { Command } from 'commander'
import { PlexiError } from '../../base/errors.ts'
import { integerOption, type Cli } from '../cli.ts'
import type { Session } from '../session.ts'
import { checkDemoOptions, demo, type DemoStep, type DemoSummary } from './demo/story.ts'

interface DemoFlags {
  readonly nodes: number
  readonly kill: number
  readonly path?: string
}

export function build(cli: Cli): Command {
  return new Command('demo')
    .description('real daemons on loopback: back up, kill hosts, recover from the words on an empty home, compare')
    .option('--nodes <n>', 'daemons in all: one owner, the rest hosts', integerOption(3, 40), 8)
    .option('--kill <n>', 'hosts to kill with SIGKILL', integerOption(0, 38), 2)
    .option('--path <path>', 'back this up instead of the sample data')
    .action(cli.action(run))
}

async function run(session: Session, flags: DemoFlags): Promise<void> {
  const options = {
    nodes: flags.nodes,
    kill: flags.kill,
    ...(flags.path === undefined ? {} : { path: session.path(flags.path) }),
  }
  checkDemoOptions(options)
  const { out } = session
  if (!out.json) out.print(opening(options.nodes))
  const story = demo(options, session.signal)
  for (;;) {
    const next = await story.next()
    if (next.done === true) {
      ending(session, next.value)
      return
    }
    if (out.json) out.line('step', next.value)
    else out.print(chapter(session, next.value))
  }
}

function opening(nodes: number): string {
  return `PlexiChat demo: ${String(nodes)} machines, simulated by ${String(nodes)} real daemons on this one.\n`
}

function chapter(session: Session, { text, seconds }: DemoStep): string {
  return session.out.good(`${text} ${session.out.paint.dim(`${String(seconds)} s`)}`)
}

function ending(session: Session, summary: DemoSummary): void {
  const { out } = session
  out.line('summary', summary)
  if (!summary.identical) {
    throw new PlexiError(
      'STORAGE_CHUNK_CORRUPT',
      {},
      { message: `the restored tree differs: ${summary.differences.join('; ')}` },
    )
  }
  if (out.json) return
  const { k, n, killed, restored, seconds } = summary
  out.print(
    `\n${out.paint.bold('identical: true')} – ${String(restored)} files came back from the words alone, ${String(k)}-of-${String(n)}, with ${String(killed)} hosts dead, in ${String(seconds)} s.`,
  )
  out.print(out.paint.dim('Every process was ended and every file of the demo removed. Yours next: plexichat init'))
}
