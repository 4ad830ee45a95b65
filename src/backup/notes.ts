/** What hosts did, told as notes. */
import { toHex } from '../base/bytes.ts'
import type { HostFault, ShardId } from '../shard/index.ts'
import type { Note } from './requests.ts'
import type { PlacementNote } from './store/placer.ts'

interface Sink {
  emit(event: Note): void
}

export function hostNote(note: PlacementNote, events: Sink): void {
  if (note.type === 'fault') events.emit(faultNote(note.shardId, note.fault))
  else if (note.type === 'replaced') {
    const message = `${note.to} takes the place of ${note.from}`
    events.emit({ type: 'note', about: 'host', message, peer: note.from, why: 'replaced' })
  }
}

export function faultNote(shardId: ShardId, fault: HostFault): Note {
  const message = `shard ${toHex(shardId).slice(0, 12)}: ${fault.why}${fault.detail === '' ? '' : ` (${fault.detail})`}`
  return { type: 'note', about: 'host', message, peer: fault.peer, why: fault.why }
}
