/** The engine's events as the API tells them. */
import type { NoteEvent, ProgressEvent } from '../../api/index.ts'
import type { BackupProgress, Note, Progress } from '../../backup/index.ts'
import type { ErrorCode } from '../../base/error-table.ts'

const hostCodes: Readonly<Record<NonNullable<Note['why']>, ErrorCode | undefined>> = {
  missing: 'STORAGE_SHARD_NOT_FOUND',
  corrupt: 'STORAGE_SHARD_CORRUPT',
  timeout: 'NETWORK_TIMEOUT',
  offline: 'NETWORK_UNREACHABLE',
  full: 'STORAGE_QUOTA_EXCEEDED',
  refused: 'AUTH_FORBIDDEN',
  protocol: 'NETWORK_PROTOCOL',
  replaced: undefined,
}

export function progressEvent(phase: string, progress: Progress | BackupProgress): ProgressEvent {
  return {
    type: 'progress',
    phase: 'phase' in progress ? progress.phase : phase,
    files: progress.filesDone,
    filesTotal: progress.totalKnown ? progress.filesTotal : null,
    bytes: progress.bytesDone,
    bytesTotal: progress.totalKnown ? progress.bytesTotal : null,
    ...('queuedBytes' in progress ? { queued: progress.queuedBytes, stored: progress.storedBytes } : {}),
  }
}

export function noteEvent(note: Note, nameOf: (peer: string) => string | null): NoteEvent {
  const code = note.why === undefined ? undefined : hostCodes[note.why]
  const name = note.peer === undefined ? null : nameOf(note.peer)
  return {
    type: 'note',
    level: code === undefined && note.about !== 'source' ? 'info' : 'warning',
    text: (name === null ? note.message : `${name}: ${note.message}`).slice(0, 4_096),
    about: note.about,
    ...(code === undefined ? {} : { code }),
    ...(note.peer === undefined ? {} : { peer: note.peer }),
    ...(note.path === undefined ? {} : { path: note.path }),
  }
}
