/** Which app an export or dump comes from. Names only choose what is looked at; content decides. */
import { discord } from './discord.ts'
import { startOf, type ExportForm, type ExportReader, type ZipForm, type ZipReader } from './export-reader.ts'
import { matrix } from './matrix.ts'
import { mattermost, mattermostZip } from './mattermost.ts'
import { mongodb } from './mongodb.ts'
import { mysql } from './mysql.ts'
import { postgresql } from './postgresql.ts'
import { rocketchat, rocketchatZip } from './rocketchat.ts'
import { signal } from './signal.ts'
import { slack } from './slack.ts'
import { telegram } from './telegram.ts'
import { whatsapp, whatsappZip } from './whatsapp.ts'

const forms: readonly ExportForm[] = [
  postgresql,
  mysql,
  mongodb,
  discord,
  matrix,
  telegram,
  mattermost,
  rocketchat,
  signal,
  whatsapp,
]
const zipForms: readonly ZipForm[] = [slack, whatsappZip, mattermostZip, rocketchatZip]

const worthALook = /\.(json|jsonl|txt|sql|dump|pgdump|backup|archive|zip)$/i

/** Whether a file of that name may be an export. */
export function maybeExport(name: string): boolean {
  return worthALook.test(name)
}

/** Archives are cut at their members. */
export function isArchiveName(name: string): boolean {
  return /\.zip$/i.test(name)
}

/** By the first bytes and the base name. */
export function recognise(path: string, bytes: Uint8Array): { app: string; reader: ExportReader } | undefined {
  const start = startOf(path.slice(path.lastIndexOf('/') + 1), bytes)
  for (const form of forms) {
    const reader = form.open(start)
    if (reader !== undefined) return { app: form.app, reader }
  }
  return undefined
}

/** By the names of its members. */
export function recogniseZip(members: readonly string[]): { app: string; reader: ZipReader } | undefined {
  for (const form of zipForms) {
    const reader = form.open(members)
    if (reader !== undefined) return { app: form.app, reader }
  }
  return undefined
}

/** What a damaged zip would have been, by its name alone. */
export function zipAppByName(name: string): string | undefined {
  if (/slack export/i.test(name)) return 'slack'
  return /whatsapp chat/i.test(name) ? 'whatsapp' : undefined
}
