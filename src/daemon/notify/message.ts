/** What is told to webhooks and commands: one JSON document a message. Spec: docs/AUTOMATION.md § Who is told */
import type { Alarm, Run } from '../../api/index.ts'

export type Message = {
  readonly v: 1
  readonly id: string
  readonly time: string
  /** Name of this machine, as its friends know it. */
  readonly device: string
  /** Hex. */
  readonly vault: string
} & Told

export type Told =
  | { readonly type: 'alarm.raised' | 'alarm.cleared'; readonly alarm: Alarm }
  | { readonly type: 'run.ended'; readonly schedule: string; readonly source: string; readonly run: Run }
  | { readonly type: 'test'; readonly text: string }

/** Which targets want it. */
export function wanted(told: Told, wants: 'alarms' | 'runs' | 'all'): boolean {
  if (told.type === 'test' || wants === 'all') return true
  return (told.type === 'run.ended') === (wants === 'runs')
}
