/** `status`: the numbers, and the one sentence made from them. */
import type { Alarm, Status } from '../../api/index.ts'
import type { BackupEngine, RemoteState } from '../../backup/index.ts'
import { isoTime, type Clock } from '../../base/clock.ts'
import type { People } from '../people.ts'
import { bytesByHost, holders, protectionOf, restorableShare, soleHolders } from './measure.ts'
import { statusSentence } from './sentence.ts'

export interface StatusDeps {
  readonly engine: Pick<BackupEngine, 'status' | 'remotes'>
  readonly people: Pick<People, 'eligible' | 'online' | 'nameOf'>
  readonly alarms: () => Alarm[]
  readonly hosting: { heldBytes(): number }
  readonly clock: Clock
}

export class StatusService {
  readonly #deps: StatusDeps

  constructor(deps: StatusDeps) {
    this.#deps = deps
  }

  status(): Status {
    const { engine, people, hosting, clock } = this.#deps
    const state = engine.status()
    const online = people.online()
    const eligible = people.eligible()
    const held = holders(state.restorableInput)
    const published = state.restorableInput.some(({ head }) => head === true)
    const alone = soleHolders(state.restorableInput)
    const remotes = engine.remotes.list().map(({ path, state: now, complete }) => ({ path, state: now, complete }))
    const onRemote = remotes.some(({ complete }) => complete)
    const figures = { published, onRemote, holders: held.length, alone: alone.length }
    const protection = protectionOf({ ...state, ...figures })
    const called = (peer: string): string => people.nameOf(peer) ?? `${peer.slice(0, 8)}…${peer.slice(-4)}`
    const sentence = statusSentence({
      protected: protection,
      snapshots: state.snapshots,
      waiting: state.snapshots - state.placed,
      safe: state.safe,
      target: state.target,
      holders: held.map(called),
      alone: alone.map(called),
      eligible: eligible.length,
      remotes: remotes.map((remote) => ({
        ...remote,
        ...{ there: isThere(remote.state), full: remote.state === 'full' },
      })),
      ageMs: state.lastBackup === null ? null : Math.max(0, clock.now() - state.lastBackup),
    })
    return {
      sentence,
      protected: protection,
      safe: state.safe,
      // A complete remote that is there has everything, whoever else is away.
      restorable: remotes.some((remote) => remote.complete && isThere(remote.state))
        ? 1
        : restorableShare(state.restorableInput, online),
      target: state.target,
      // Return rates are not measured yet: they are the starting values for vouched peers and strangers.
      measured: false,
      lastBackup: state.lastBackup === null ? null : isoTime(state.lastBackup),
      hosts: { eligible: eligible.length, online: eligible.filter((peer) => online.has(peer)).length },
      snapshots: state.snapshots,
      given: hosting.heldBytes(),
      used: bytesByHost(state.restorableInput)
        .values()
        .reduce((sum, bytes) => sum + bytes, 0),
      queued: state.queuedBytes,
      remotes,
      alarms: this.#deps.alarms(),
    }
  }
}

function isThere(state: RemoteState): boolean {
  return state === 'present' || state === 'full'
}
