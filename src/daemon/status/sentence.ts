/** The one sentence of `status`: says how things stand, names people, and what would help. */
import { DAY, HOUR, MINUTE } from '../../base/clock.ts'
import type { Protection } from './measure.ts'

interface RemoteStanding {
  readonly path: string
  readonly there: boolean
  readonly complete: boolean
  /** There is no room for what it lacks. */
  readonly full: boolean
}

export interface Standing {
  readonly protected: Protection
  readonly snapshots: number
  /** Of them, those that hosts do not hold completely yet. */
  readonly waiting: number
  readonly safe: number | null
  readonly target: number
  /** Names of the holders, most important first. */
  readonly holders: readonly string[]
  /** Names of those who alone hold something. */
  readonly alone: readonly string[]
  /** Hosts that would take more. */
  readonly eligible: number
  readonly remotes: readonly RemoteStanding[]
  /** Age of the newest backup, ms. */
  readonly ageMs: number | null
}

export function statusSentence(standing: Standing): string {
  const count = `${standing.snapshots} ${standing.snapshots === 1 ? 'snapshot' : 'snapshots'}`
  const age = remotesText(standing) + (standing.ageMs === null ? '' : `; last backup ${ageText(standing.ageMs)}`)
  switch (standing.protected) {
    case 'none':
      return 'Nothing is backed up yet: plexichat backup PATH'
    case 'local':
      return standing.eligible === 0
        ? `${count} on this machine only; nobody to keep a copy yet: plexichat invite`
        : `${count} on this machine only, on the way to ${people(standing.eligible)}${age}`
    case 'one-copy':
      if (standing.holders.length === 0)
        return `${waitingText(standing)}One copy of ${count}; a friend makes it safe: plexichat invite${age}`
      // Others hold the rest: what was stored before they came is not spread again by itself.
      if (standing.holders.length > 1)
        return `${waitingText(standing)}Part of ${count} has one copy only, on ${names(standing.alone)}${age}`
      return `${waitingText(standing)}One copy of ${count}, on ${names(standing.holders)}; a second friend makes it safe${age}`
    case 'below-target':
      return (
        `${waitingText(standing)}${count} on ${names(standing.holders)}: ${percent(standing.safe)} safe, ` +
        `below your target of ${percent(standing.target)}; more friends would help: plexichat invite${age}`
      )
    case 'yes':
      return `All ${count} safe (${percent(standing.safe)}) on ${names(standing.holders)}${age}`
  }
}

/** Copies on one's own disks are told apart from hosts. */
function remotesText({ remotes }: Standing): string {
  return remotes
    .map(({ path, there, complete, full }) => {
      if (complete) return `; ${there ? 'a copy is' : 'a copy is away,'} on ${path}`
      if (full) return `; ${path} is full`
      return there ? `; ${path} is being filled` : `; ${path} is away and behind`
    })
    .join('')
}

function waitingText({ waiting }: Standing): string {
  return waiting === 0 ? '' : 'What was backed up last is still on the way. '
}

/** "Bob", "Bob and Anna", "Bob, Anna and 5 others". */
export function names(all: readonly string[]): string {
  const shown = all.length <= 3 ? all : [...all.slice(0, 2), `${all.length - 2} others`]
  if (shown.length <= 1) return shown[0] ?? 'nobody'
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`
}

/** Enough digits to tell it from 1: 99.9998 %. Never rounded up. */
export function percent(share: number | null): string {
  if (share === null) return 'unknown'
  if (share >= 1) return '100 %'
  const nines = share <= 0 ? 0 : Math.max(0, -Math.log10(1 - share))
  const digits = Math.min(9, Math.max(1, Math.ceil(nines - 1e-6) - 2))
  return `${(Math.floor(share * 100 * 10 ** digits + 1e-6) / 10 ** digits).toFixed(digits)} %`
}

export function ageText(ms: number): string {
  if (ms < MINUTE) return 'just now'
  const [size, unit] = ms < HOUR ? [MINUTE, 'minute'] : ms < DAY ? [HOUR, 'hour'] : [DAY, 'day']
  const count = Math.floor(ms / size)
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}

function people(count: number): string {
  return count === 1 ? 'one host' : `${count} hosts`
}
