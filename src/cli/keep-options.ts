/** The `--keep-*` options of `forget` and `policy set`: restic's names and meaning. */
import { Option, type Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { RetentionPolicy } from '../api/index.ts'
import { given } from './cli.ts'

const counts = [
  ['last', 'the newest N snapshots'],
  ['hourly', 'the newest snapshot of each of the last N hours that have one'],
  ['daily', 'the same for days'],
  ['weekly', 'the same for weeks (from Monday)'],
  ['monthly', 'the same for months'],
  ['yearly', 'the same for years'],
] as const
const spans = ['', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
const MAX_COUNT = 1_000_000

type Given = Readonly<Record<string, number | string | string[][] | undefined>>

export function withKeepOptions(command: Command): Command {
  for (const [name, text] of counts)
    command.addOption(new Option(`--keep-${name} <n>`, `keep ${text}, or "unlimited"`).argParser(countOption))
  for (const name of spans) {
    const what = name === '' ? 'all snapshots' : `${name} snapshots`
    const flag = name === '' ? '--keep-within <span>' : `--keep-within-${name} <span>`
    command.addOption(new Option(flag, `keep ${what} within this span (1y5m7d2h) of the newest`).argParser(spanOption))
  }
  return command.addOption(
    new Option('--keep-tag <tags>', 'keep snapshots with this tag, or all of a,b; may be repeated').argParser(
      tagsOption,
    ),
  )
}

/** What was given; undefined where nothing was. */
export function keepOf(options: unknown): RetentionPolicy | undefined {
  const { keepTag, ...all } = options as Given
  const rules = Object.entries(all).filter(([name]) => /^keep[A-Z]/.test(name))
  const policy = { ...Object.fromEntries(rules), ...given({ keepTags: keepTag }) } as RetentionPolicy
  return Object.keys(policy).length === 0 ? undefined : policy
}

function countOption(text: string): number {
  if (text === 'unlimited' || text === 'all') return -1
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= MAX_COUNT) return value
  throw new InvalidArgumentError('expected a whole number, or "unlimited".')
}

function spanOption(text: string): string {
  if (/^(\d{1,6}[ymdh]){1,4}$/.test(text)) return text
  throw new InvalidArgumentError('expected years, months, days, hours, like 1y5m7d2h.')
}

function tagsOption(text: string, before: string[][] | undefined): string[][] {
  return [...(before ?? []), text.split(',').filter((tag) => tag !== '')]
}
