/**
 * Which snapshots a policy keeps. Pure: values in, values out. Semantics are those of restic's `--keep-*`, which users
 * know: docs/BACKUP_SYSTEM.md § Forgetting. Invariant: without any rule everything is kept.
 */
import { PlexiError } from '../../base/errors.ts'
import { calendarIn, type Calendar } from './calendar.ts'
import { parseSpan, type Span } from './span.ts'

/** Counts are 1 or more, 0 for none, -1 for all; spans are texts like `1y5m7d2h`, relative to the newest snapshot. */
export interface RetentionPolicy {
  readonly keepLast?: number
  readonly keepHourly?: number
  readonly keepDaily?: number
  readonly keepWeekly?: number
  readonly keepMonthly?: number
  readonly keepYearly?: number
  readonly keepWithin?: string
  readonly keepWithinHourly?: string
  readonly keepWithinDaily?: string
  readonly keepWithinWeekly?: string
  readonly keepWithinMonthly?: string
  readonly keepWithinYearly?: string
  /** A snapshot that has all tags of one of these lists is kept. */
  readonly keepTags?: readonly (readonly string[])[]
}

/** What a policy looks at. */
export interface Retained {
  readonly id: string
  /** ms since 1970. */
  readonly time: number
  readonly tags: readonly string[]
}

export interface Kept<T> {
  readonly snapshot: T
  readonly reasons: readonly string[]
}

export interface Verdict<T> {
  /** Newest first. */
  readonly kept: readonly Kept<T>[]
  readonly removed: readonly T[]
}

/** When and where the policy is applied: days begin and end in this time zone (IANA name). */
export interface PolicyTime {
  readonly now: number
  readonly timeZone: string
}

type Bucket = (calendar: Calendar, time: number) => number

const buckets: readonly { readonly period: Period; readonly of: Bucket }[] = [
  { period: 'Hourly', of: (calendar, time) => calendar.hour(time) },
  { period: 'Daily', of: (calendar, time) => calendar.day(time) },
  { period: 'Weekly', of: (calendar, time) => calendar.week(time) },
  { period: 'Monthly', of: (calendar, time) => calendar.month(time) },
  { period: 'Yearly', of: (calendar, time) => calendar.year(time) },
]
type Period = 'Hourly' | 'Daily' | 'Weekly' | 'Monthly' | 'Yearly'

/** One rule at work: says why the snapshot is kept, or undefined. Called once per snapshot, newest first. */
type Rule = (snapshot: Retained, at: { readonly nr: number; readonly oldest: boolean }) => string | undefined

/** True when it keeps nothing by itself: such a policy is no policy. */
export function isEmpty(policy: RetentionPolicy): boolean {
  const { keepTags = [], ...rest } = policy
  const rules = Object.values(rest) as (number | string | undefined)[]
  return keepTags.length === 0 && rules.every((rule) => rule === undefined || rule === 0 || isZeroSpan(rule))
}

/** Applies a policy to one group of snapshots. Throws `VALIDATION_USAGE` for a malformed one. */
export function applyPolicy<T extends Retained>(
  snapshots: readonly T[],
  policy: RetentionPolicy,
  when: PolicyTime,
): Verdict<T> {
  const sorted = snapshots.toSorted((a, b) => b.time - a.time)
  if (isEmpty(policy))
    return { kept: sorted.map((snapshot) => ({ snapshot, reasons: ['policy is empty'] })), removed: [] }
  const calendar = calendarIn(when.timeZone)
  const rules = rulesOf(policy, { calendar, latest: latestOf(sorted, when.now) })
  const kept: Kept<T>[] = []
  const removed: T[] = []
  sorted.forEach((snapshot, nr) => {
    const at = { nr, oldest: nr === sorted.length - 1 }
    const reasons = rules.map((rule) => rule(snapshot, at)).filter((reason) => reason !== undefined)
    if (reasons.length > 0) kept.push({ snapshot, reasons })
    else removed.push(snapshot)
  })
  return { kept, removed }
}

/** The newest one that is not in the future: clocks err. */
function latestOf(sorted: readonly Retained[], now: number): number {
  return sorted.find(({ time }) => time < now)?.time ?? 0
}

function rulesOf(policy: RetentionPolicy, at: { calendar: Calendar; latest: number }): Rule[] {
  const { calendar } = at
  const rules: Rule[] = (policy.keepTags ?? []).map((tags) => taggedWith(tags))
  if (policy.keepWithin !== undefined) rules.push(within(parseSpan(policy.keepWithin), policy.keepWithin, at))
  rules.push(lastOf(countOf(policy.keepLast)))
  for (const { period, of } of buckets)
    rules.push(
      lastOfEach(countOf(policy[`keep${period}`]), `${period.toLowerCase()} snapshot`, (time) => of(calendar, time)),
    )
  for (const { period, of } of buckets) {
    const text = policy[`keepWithin${period}`]
    if (text !== undefined) rules.push(eachWithin(text, { ...at, period, of }))
  }
  return rules
}

function taggedWith(tags: readonly string[]): Rule {
  return (snapshot) => (tags.every((tag) => snapshot.tags.includes(tag)) ? `has tags ${tags.join(', ')}` : undefined)
}

function within(span: Span, text: string, { calendar, latest }: { calendar: Calendar; latest: number }): Rule {
  if (isZeroSpan(text)) return () => undefined
  const since = calendar.before(latest, span)
  return ({ time }) => (time > since ? `within ${text}` : undefined)
}

function lastOf(count: number): Rule {
  return (_, { nr }) => (count === -1 || nr < count ? 'last snapshot' : undefined)
}

/**
 * The newest of each of the last `count` periods that have one. While counts are left the very oldest snapshot is kept
 * too: history is then as long as it can be.
 */
function lastOfEach(count: number, reason: string, bucketOf: (time: number) => number): Rule {
  let left = count
  let last: number | undefined
  return ({ time }, { oldest }) => {
    if (left === 0) return undefined
    const bucket = bucketOf(time)
    const same = bucket === last
    if (same && !oldest) return undefined
    last = bucket
    if (left > 0) left--
    return same ? `oldest ${reason}` : reason
  }
}

/** The newest of each period since then. */
function eachWithin(text: string, use: { calendar: Calendar; latest: number; period: Period; of: Bucket }): Rule {
  if (isZeroSpan(text)) return () => undefined
  const since = use.calendar.before(use.latest, parseSpan(text))
  const reason = `${use.period.toLowerCase()} within ${text}`
  const rule = lastOfEach(-1, reason, (time) => use.of(use.calendar, time))
  return (snapshot, at) => (snapshot.time > since ? rule(snapshot, at) : undefined)
}

function countOf(count: number | undefined): number {
  if (count === undefined) return 0
  if (!Number.isSafeInteger(count) || count < -1)
    throw new PlexiError('VALIDATION_USAGE', { reason: `--keep-* takes a number, or "unlimited": ${String(count)}` })
  return count
}

function isZeroSpan(text: number | string): boolean {
  return typeof text === 'string' && Object.values(parseSpan(text)).every((part) => part === 0)
}
